//! What a failed sync leaves behind: the log shows a commit that the disk may not have, while the store is opened again,
//! commits once more, and the power goes in the midst of it.

use ringback_core::store::{Store, Write};
use ringback_core::time::Millis;
use ringback_store::memory::Memory;

use crate::agree::{Dump, dump_of};
use crate::disk::Faulty;
use crate::fault::machine::Trouble;
use crate::operators;
use crate::random::Random;
use crate::robots::intake;
use crate::{Broken, broken};

/// When the commits happen.
const NOW: Millis = Millis(1_790_000_000_000);

/// Fails the sync of a commit, opens the store again and commits, for `operations` of the disk, then cuts the power, and
/// opens it once more: of the commit that failed it has all or nothing, of the other all if it was acknowledged.
///
/// # Errors
/// It has something else.
pub fn recover(seed: u64, operations: u64) -> Result<(), String> {
    recover_on(&Faulty::new(seed)?, seed, operations).map_err(|broken| broken.0)
}

fn recover_on(disk: &Faulty, seed: u64, operations: u64) -> Result<(), Broken> {
    let mut random = Random::new(seed);
    let all = operators::set_up(&mut random);
    let (first, second) = all.split_at(all.len() / 2);
    let mut event = |nth| [Write::Accept(Box::new(intake(&mut random, nth, NOW.0).event))];
    let (between, last) = (event(0), event(1));
    let (mut before, mut after) = (Memory::new([7; 32]), Memory::new([7; 32]));
    for model in [&mut before, &mut after] {
        apply(model, first)?;
        apply(model, &between)?;
    }
    apply(&mut after, second)?;

    let mut store = disk.open().map_err(|error| Broken::of(&error))?;
    apply(&mut store, first)?;
    // The log begins anew, so that it does not have every page that the last commit changes; the first commit syncs its
    // header, which is not the sync that shall fail.
    drop(store);
    let mut store = disk.open().map_err(|error| Broken::of(&error))?;
    apply(&mut store, &between)?;
    disk.with(|machine| {
        machine.set_trouble(Trouble {
            syncs: 1_000_000,
            ..Trouble::default()
        });
    });
    if store.commit(NOW, second).is_ok() {
        return broken("a commit succeeded without its sync".to_owned());
    }
    // Closing it meets the same disk, and leaves the log.
    drop(store);
    disk.heal();
    disk.with(|machine| machine.die_after(operations));
    let mut store = disk.open().ok();
    let acknowledged = store
        .as_mut()
        .is_some_and(|store| store.commit(NOW, &last).is_ok());
    disk.crash(true);
    drop(store);

    let mut store = disk.open().map_err(|error| Broken::of(&error))?;
    let found = Dump::of(&mut store).map_err(|error| Broken::of(&error))?;
    let mut allowed = Vec::new();
    for model in [before, after] {
        let mut with_last = model.fork();
        apply(&mut with_last, &last)?;
        allowed.push(dump_of(&with_last)?);
        if !acknowledged {
            allowed.push(dump_of(&model)?);
        }
    }
    if allowed.contains(&found) {
        return Ok(());
    }
    broken(format!(
        "of a commit that failed, and one that was acknowledged ({acknowledged}), there is something else: {}",
        found.difference(&allowed[0])
    ))
}

fn apply(store: &mut dyn Store, writes: &[Write]) -> Result<(), Broken> {
    store
        .commit(NOW, writes)
        .map(|_| ())
        .map_err(|error| Broken::of(&error))
}
