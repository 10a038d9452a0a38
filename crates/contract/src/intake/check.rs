//! Checks an object against its table of fields, and normalises it in place: the two aliases get their real
//! names, and the two type fixes are made. Nothing else is touched.

use super::fields::{Field, Type};
use super::{Invalid, Problem};
use crate::json::{Node, Object, Text};

/// Checks and normalises an object and what is inside it.
pub(crate) fn check(object: &mut Object<'_>, table: &[Field]) -> Result<(), Invalid> {
    // Members mostly come in the order of the table, so the search for each begins behind the last one found.
    let mut next = 0;
    for place in 0..object.members.len() {
        let name = object.members[place].name.as_str();
        let (known, following) = table.split_at(next);
        let Some(found) = following
            .iter()
            .chain(known)
            .position(|field| field.has_name(name))
        else {
            continue;
        };
        let found = (next + found) % table.len();
        let field = &table[found];
        next = found + 1;
        let alias = field.alias.filter(|alias| alias.name == name);
        let called = alias.map_or(field.name, |alias| alias.name);
        if alias.is_some() && object.get(field.name).is_some() {
            return Err(Invalid::here(Problem::DuplicateAlias { real: field.name }).under(called));
        }
        let member = &mut object.members[place];
        check_value(&mut member.value, field.holds).map_err(|invalid| invalid.under(called))?;
        if let Some(alias) = alias {
            member.name = Text::plain(alias.real_quoted);
        }
    }
    Ok(())
}

impl Field {
    fn has_name(&self, name: &str) -> bool {
        self.name == name || self.alias.is_some_and(|alias| alias.name == name)
    }
}

fn check_value(value: &mut Node<'_>, holds: Type) -> Result<(), Invalid> {
    match (holds, &mut *value) {
        (_, Node::Null)
        | (Type::Text, Node::Text(_))
        | (Type::Boolean | Type::BooleanOrBit, Node::Boolean(_))
        | (Type::AnyObject, Node::Object(_)) => Ok(()),
        (Type::Integer | Type::IntegerOrBoolean, Node::Number(text)) if text.parse::<i64>().is_ok() => Ok(()),
        (Type::BooleanOrBit, Node::Number(bit @ ("0" | "1"))) => {
            *value = Node::Boolean(*bit == "1");
            Ok(())
        }
        (Type::IntegerOrBoolean, Node::Boolean(set)) => {
            *value = Node::Number(if *set { "1" } else { "0" });
            Ok(())
        }
        (Type::Object(table), Node::Object(object)) => check(object, table),
        (Type::Objects(table), Node::Array(entries)) => check_entries(entries, table),
        (holds, value) => Err(wrong_type(value, allowed(holds))),
    }
}

fn check_entries(entries: &mut [Node<'_>], table: &[Field]) -> Result<(), Invalid> {
    for (index, entry) in entries.iter_mut().enumerate() {
        let checked = match entry {
            Node::Object(object) => check(object, table),
            other => Err(wrong_type(other, "an object")),
        };
        checked.map_err(|invalid| invalid.at(index))?;
    }
    Ok(())
}

fn wrong_type(value: &Node<'_>, allowed: &'static str) -> Invalid {
    Invalid::here(Problem::WrongType {
        found: value.found(),
        allowed,
    })
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
pub(crate) fn required_integer(object: &Object<'_>, name: &'static str) -> Result<i64, Invalid> {
    const ALLOWED: &str = "an integer of 64 bits";
    let value = required(object, name, ALLOWED)?;
    value
        .as_i64()
        .ok_or_else(|| wrong_type(value, ALLOWED).under(name))
}

/// The required member of this name, a string.
pub(crate) fn required_text<'o, 'a>(
    object: &'o Object<'a>,
    name: &'static str,
) -> Result<&'o Text<'a>, Invalid> {
    const ALLOWED: &str = "a string";
    match required(object, name, ALLOWED)? {
        Node::Text(text) => Ok(text),
        other => Err(wrong_type(other, ALLOWED).under(name)),
    }
}

/// The required member of this name, an object.
pub(crate) fn required_object<'o, 'a>(
    object: &'o Object<'a>,
    name: &'static str,
) -> Result<&'o Object<'a>, Invalid> {
    const ALLOWED: &str = "an object";
    let value = required(object, name, ALLOWED)?;
    value
        .as_object()
        .ok_or_else(|| wrong_type(value, ALLOWED).under(name))
}

fn required<'o, 'a>(
    object: &'o Object<'a>,
    name: &'static str,
    allowed: &'static str,
) -> Result<&'o Node<'a>, Invalid> {
    object
        .get(name)
        .ok_or_else(|| Invalid::here(Problem::Missing { allowed }).under(name))
}
