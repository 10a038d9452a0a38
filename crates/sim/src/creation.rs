//! The first moments of a store: it is made on an empty disk, and one operation of the disk fails while it is.

use ringback_core::store::{Store, StoreError};
use ringback_core::time::Millis;
use ringback_store::memory::Memory;

use crate::agree::{Dump, dump_of};
use crate::disk::Faulty;
use crate::operators;
use crate::random::Random;
use crate::{Broken, Nth, Operation, Then, broken};

/// When the store is made.
const NOW: Millis = Millis(1_790_000_000_000);

/// What making a store took of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creation {
    /// Writes.
    pub writes: u64,
    /// Syncs.
    pub syncs: u64,
    /// Whether the failure was noticed by who made it.
    pub noticed: bool,
}

/// Makes a store with companies and endpoints while one operation fails, does what shall happen then, and opens it
/// again: it is as if it had never been made, or has everything.
///
/// # Errors
/// It has something else, or cannot be opened any more.
pub fn create(seed: u64, nth: Nth) -> Result<Creation, String> {
    create_on(&Faulty::new(seed)?, seed, nth).map_err(|broken| broken.0)
}

fn create_on(disk: &Faulty, seed: u64, nth: Nth) -> Result<Creation, Broken> {
    let writes = operators::set_up(&mut Random::new(seed));
    let (before, mut after) = (Memory::new([7; 32]), Memory::new([7; 32]));
    after.commit(NOW, &writes).map_err(|error| Broken::of(&error))?;
    disk.with(|machine| machine.fail(Some(nth)));
    let mut open = None;
    let outcome = disk.open().and_then(|store| {
        let store = open.insert(store);
        store.commit(NOW, &writes).map(|_| ())
    });
    let counted = |operation| disk.with(|machine| machine.counted(operation));
    let creation = Creation {
        writes: counted(Operation::Write),
        syncs: counted(Operation::Sync),
        noticed: outcome.is_err(),
    };
    match nth.then {
        Then::Nothing => {}
        Then::Kill => disk.crash(false),
        Then::PowerCut => disk.crash(true),
    }
    drop(open);
    disk.with(|machine| machine.fail(None));
    check(disk, &outcome, &before, &after)?;
    Ok(creation)
}

fn check(
    disk: &Faulty,
    outcome: &Result<(), StoreError>,
    before: &Memory,
    after: &Memory,
) -> Result<(), Broken> {
    let mut store = disk.open().map_err(|error| Broken::of(&error))?;
    let found = Dump::of(&mut store).map_err(|error| Broken::of(&error))?;
    let expected = dump_of(after)?;
    if found == expected || (outcome.is_err() && found == dump_of(before)?) {
        return Ok(());
    }
    broken(format!(
        "the store was made ({outcome:?}) and is another: {}",
        found.difference(&expected)
    ))
}
