//! Writing: a value without white space, with what was put right.

use super::super::tape::Kind;
use super::{Document, Place};

impl Document<'_> {
    /// Appends the value there. What it goes down into must be [sound](Self::sound), which bounds its depth.
    pub(crate) fn write(&self, place: Place, out: &mut String) {
        match self.kind(place) {
            Kind::Array | Kind::Object if self.tape.is_compact => self.copy(place, out),
            Kind::Array => self.write_entries(place, out),
            Kind::Object => self.write_members(place, out),
            Kind::Null
            | Kind::True
            | Kind::False
            | Kind::Integer
            | Kind::Number
            | Kind::Plain
            | Kind::Escaped
            | Kind::Unicode => out.push_str(self.raw(place)),
        }
    }

    /// Copies the text of an array or object that has no white space, with what was put right inside.
    fn copy(&self, place: Place, out: &mut String) {
        let token = self.token(place);
        let mut at = token.start;
        let first = self.fixes.partition_point(|fix| fix.start < token.start);
        for fix in self.fixes[first..].iter().take_while(|fix| fix.end <= token.end) {
            out.push_str(&self.text[at as usize..fix.start as usize]);
            out.push_str(fix.by);
            at = fix.end;
        }
        out.push_str(&self.text[at as usize..token.end as usize]);
    }

    fn write_members(&self, object: Place, out: &mut String) {
        out.push('{');
        let mut walk = self.walk(object);
        let mut comma = "";
        while let Some((name, value)) = walk.member(self) {
            out.push_str(comma);
            out.push_str(self.raw(name));
            out.push(':');
            self.write(value, out);
            comma = ",";
        }
        out.push('}');
    }

    fn write_entries(&self, array: Place, out: &mut String) {
        out.push('[');
        let mut walk = self.walk(array);
        let mut comma = "";
        while let Some(entry) = walk.entry(self) {
            out.push_str(comma);
            self.write(entry, out);
            comma = ",";
        }
        out.push(']');
    }
}
