//! Checks an object against its table of fields, and normalises it in place: the two aliases get their real
//! names, and the two type fixes are made. Nothing else is touched.

use super::fields::{Alias, Field, Type};
use super::{Found, Invalid, Problem};
use crate::json::{Document, Place};

/// Checks and normalises an object and what is inside it. The document is sound.
pub(crate) fn check(document: &mut Document<'_>, object: Place, table: &[Field]) -> Result<(), Invalid> {
    // Members mostly come in the order of the table, so the search for each begins behind the last one found.
    let mut next = 0;
    let mut walk = document.walk(object);
    while let Some((name_place, value)) = walk.member(document) {
        let name = document.bytes(name_place)?;
        let Some(found) = find(table, next, &name) else {
            continue;
        };
        let field = &table[found];
        next = found + 1;
        match field.alias.filter(|alias| alias.name.as_bytes() == &*name) {
            None => check_value(document, value, field.holds).map_err(|invalid| invalid.under(field.name))?,
            Some(Alias { name, real_quoted }) => {
                if document.member(object, field.name).is_some() {
                    return Err(Invalid::here(Problem::DuplicateAlias { real: field.name }).under(name));
                }
                document.fix_name(name_place, real_quoted);
                check_value(document, value, field.holds).map_err(|invalid| invalid.under(name))?;
            }
        }
    }
    Ok(())
}

/// The number of the field of this name.
#[inline]
fn find(table: &[Field], next: usize, name: &[u8]) -> Option<usize> {
    if table.get(next).is_some_and(|field| field.name.as_bytes() == name) {
        return Some(next);
    }
    let (before, behind) = table.split_at(next);
    let found = behind
        .iter()
        .chain(before)
        .position(|field| field.has_name(name))?;
    Some((next + found) % table.len())
}

impl Field {
    fn has_name(&self, name: &[u8]) -> bool {
        self.name.as_bytes() == name || self.alias.is_some_and(|alias| alias.name.as_bytes() == name)
    }
}

fn check_value(document: &mut Document<'_>, value: Place, holds: Type) -> Result<(), Invalid> {
    match (holds, document.found(value)) {
        (_, Found::Null)
        | (Type::Text, Found::Text)
        | (Type::Boolean | Type::BooleanOrBit, Found::Boolean)
        | (Type::AnyObject, Found::Object) => Ok(()),
        (Type::Integer | Type::IntegerOrBoolean, Found::Number) if document.is_i64(value) => Ok(()),
        (Type::BooleanOrBit, Found::Number) if matches!(document.raw(value), "0" | "1") => {
            let is_set = document.raw(value) == "1";
            document.fix_boolean(value, is_set);
            Ok(())
        }
        (Type::IntegerOrBoolean, Found::Boolean) => {
            let is_set = document.raw(value) == "true";
            document.fix_integer(value, if is_set { "1" } else { "0" });
            Ok(())
        }
        (Type::Object(table), Found::Object) => check(document, value, table),
        (Type::Objects(table), Found::Array) => check_entries(document, value, table),
        (holds, found) => Err(wrong_type(found, allowed(holds))),
    }
}

fn check_entries(document: &mut Document<'_>, array: Place, table: &[Field]) -> Result<(), Invalid> {
    let mut walk = document.walk(array);
    let mut index = 0;
    while let Some(entry) = walk.entry(document) {
        let checked = match document.found(entry) {
            Found::Object => check(document, entry, table),
            other => Err(wrong_type(other, "an object")),
        };
        checked.map_err(|invalid| invalid.at(index))?;
        index += 1;
    }
    Ok(())
}

fn wrong_type(found: Found, allowed: &'static str) -> Invalid {
    Invalid::here(Problem::WrongType { found, allowed })
}

const fn allowed(holds: Type) -> &'static str {
    match holds {
        Type::Integer => "an integer of 64 bits, or null",
        Type::Text => "a string or null",
        Type::Boolean => "a boolean or null",
        Type::BooleanOrBit => "a boolean, 0, 1 or null",
        Type::IntegerOrBoolean => "an integer of 64 bits, a boolean or null",
        Type::AnyObject | Type::Object(_) => "an object or null",
        Type::Objects(_) => "an array of objects, or null",
    }
}

/// The required member of this name, an integer that fits 64 bits.
pub(crate) fn required_integer(
    document: &Document<'_>,
    object: Place,
    name: &'static str,
) -> Result<i64, Invalid> {
    const ALLOWED: &str = "an integer of 64 bits";
    let value = required(document, object, name, ALLOWED)?;
    document
        .as_i64(value)
        .ok_or_else(|| wrong_type(document.found(value), ALLOWED).under(name))
}

/// The required member of this name, a string.
pub(crate) fn required_text(
    document: &Document<'_>,
    object: Place,
    name: &'static str,
) -> Result<Place, Invalid> {
    required_found(document, object, name, Found::Text, "a string")
}

/// The required member of this name, an object.
pub(crate) fn required_object(
    document: &Document<'_>,
    object: Place,
    name: &'static str,
) -> Result<Place, Invalid> {
    required_found(document, object, name, Found::Object, "an object")
}

fn required_found(
    document: &Document<'_>,
    object: Place,
    name: &'static str,
    kind: Found,
    allowed: &'static str,
) -> Result<Place, Invalid> {
    let value = required(document, object, name, allowed)?;
    match document.found(value) {
        found if found == kind => Ok(value),
        other => Err(wrong_type(other, allowed).under(name)),
    }
}

fn required(
    document: &Document<'_>,
    object: Place,
    name: &'static str,
    allowed: &'static str,
) -> Result<Place, Invalid> {
    document
        .member(object, name)
        .ok_or_else(|| Invalid::here(Problem::Missing { allowed }).under(name))
}
