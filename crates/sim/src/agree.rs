//! Whether a store holds what the model holds: everything that can be read, not only what a run happens to ask for.

use bytes::Bytes;
use ringback_core::store::{Filter, PageRequest, Store, StoreError, Written};
use ringback_store::memory::Memory;

use crate::{Broken, broken};

/// Events of one page.
const PAGE: usize = 500;

/// Everything that a store holds, in lines that can be compared.
#[derive(PartialEq, Eq)]
pub(crate) struct Dump(Vec<(String, Bytes)>);

impl Dump {
    /// # Errors
    /// The store could not be read.
    pub(crate) fn of(store: &mut dyn Store) -> Result<Self, StoreError> {
        let start = store.start()?;
        let mut lines = Vec::new();
        let mut line = |text: String| lines.push((text, Bytes::new()));
        line(format!("{:?}", start.companies));
        line(format!("{:?}", start.tokens));
        for endpoint in &start.endpoints {
            line(format!("{endpoint:?}"));
        }
        line(format!("{:?}", start.due));
        let mut reader = store.reader()?;
        let mut before = None;
        loop {
            let request = PageRequest { limit: PAGE, before };
            let page = reader.events(&Filter::default(), &request)?;
            for summary in page.items {
                if let Some(record) = reader.event(summary.event.id)? {
                    lines.push((format!("{:?} {:?}", record.event, record.deliveries), record.body));
                }
            }
            before = page.next;
            if before.is_none() {
                return Ok(Self(lines));
            }
        }
    }

    /// The first line in which two differ.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let differs = self.0.iter().zip(&other.0).find(|(one, other)| one != other);
        match differs {
            Some(((one, _), (other, _))) => format!("the store has\n  {one}\nand the model\n  {other}"),
            None => format!(
                "the store has {} lines, the model {}",
                self.0.len(),
                other.0.len()
            ),
        }
    }
}

/// The model's dump; it can always be read.
pub(crate) fn dump_of(model: &Memory) -> Result<Dump, Broken> {
    Dump::of(&mut model.clone()).map_err(|error| Broken::of(&error))
}

/// A store has answered as the model.
pub(crate) fn answers(found: &[Written], expected: &[Written]) -> Result<(), Broken> {
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    if found == expected {
        return Ok(());
    }
    broken(format!(
        "the store answered\n  {found}\nand the model\n  {expected}"
    ))
}
