//! A file: what every process sees of it (the cache of the operating system), what the disk holds for certain, and the
//! changes between the two.

use crate::random::Random;

/// What a disk writes as a whole or not at all. Larger pieces of one write may be torn apart at a power cut.
const SECTOR: usize = 512;

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Resize(usize),
}

/// A file and its unsynced changes.
#[derive(Debug, Default)]
pub(crate) struct File {
    cache: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    /// Its name in the directory outlives a power cut.
    linked: bool,
}

impl File {
    /// How long it is.
    pub(super) const fn len(&self) -> usize {
        self.cache.len()
    }

    /// What is there of the bytes from `at` on, at most `most`.
    pub(super) fn read(&self, at: usize, most: usize) -> &[u8] {
        let rest = self.cache.get(at..).unwrap_or_default();
        &rest[..rest.len().min(most)]
    }

    pub(super) fn write(&mut self, at: usize, bytes: &[u8]) {
        put(&mut self.cache, at, bytes);
        self.unsynced.push(Change::Write {
            at,
            bytes: bytes.to_vec(),
        });
    }

    pub(super) fn resize(&mut self, len: usize) {
        self.cache.resize(len, 0);
        self.unsynced.push(Change::Resize(len));
    }

    /// Everything reaches the disk.
    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            change.apply(&mut self.synced);
        }
        self.linked = true;
    }

    /// A sync fails. Some changes have reached the disk, the others never will, and nobody says so again: as on Linux,
    /// the next sync knows nothing of them. The cache goes on showing them, or shows what the disk holds at once.
    pub(super) fn fail_to_sync(&mut self, random: &mut Random) {
        let reached = random.pick(&[0, 0, 500_000, 1_000_000]);
        for change in std::mem::take(&mut self.unsynced) {
            if random.chance(reached) {
                change.apply(&mut self.synced);
            }
        }
        if random.chance(300_000) {
            let len = self.cache.len();
            self.cache.clone_from(&self.synced);
            self.cache.resize(len, 0);
        }
    }

    /// The power goes. Unsynced changes are there afterwards, are not, or are torn, each by itself, or only those up to
    /// some moment are. False when the file itself is gone.
    pub(super) fn lose_power(&mut self, random: &mut Random) -> bool {
        let changes = std::mem::take(&mut self.unsynced);
        let in_order = random.chance(500_000);
        let upto = random.index(changes.len() + 1);
        for (nth, change) in changes.into_iter().enumerate() {
            let kept = if in_order {
                nth < upto
            } else {
                random.chance(500_000)
            };
            if kept {
                change.apply(&mut self.synced);
            } else if nth == upto || random.chance(250_000) {
                change.tear(&mut self.synced, random);
            }
        }
        self.cache.clone_from(&self.synced);
        self.linked || random.chance(500_000)
    }
}

impl Change {
    fn apply(self, to: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => put(to, at, &bytes),
            Self::Resize(len) => to.resize(len, 0),
        }
    }

    /// Some sectors of a write reach the disk.
    fn tear(self, to: &mut Vec<u8>, random: &mut Random) {
        let Self::Write { at, bytes } = self else {
            return;
        };
        let end = at + bytes.len();
        let mut from = at;
        while from < end {
            let until = end.min((from / SECTOR + 1) * SECTOR);
            if random.chance(500_000) {
                put(to, from, &bytes[from - at..until - at]);
            }
            from = until;
        }
    }
}

/// Writes into an image; a gap before the place is filled with zeros.
fn put(to: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if to.len() < end {
        to.resize(end, 0);
    }
    to[at..end].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(changes: &[(usize, &[u8])]) -> File {
        let mut file = File::default();
        for (at, bytes) in changes {
            file.write(*at, bytes);
        }
        file
    }

    #[test]
    fn what_is_synced_survives_and_the_rest_may() {
        let mut lost = 0;
        for seed in 0..200 {
            let mut file = written(&[(0, &[1; 1000])]);
            file.sync();
            file.write(1000, &[2; 1000]);
            assert_eq!(file.read(0, 5000).len(), 2000);
            assert!(file.lose_power(&mut Random::new(seed)), "a synced file is there");
            assert_eq!(file.read(0, 1000), [1; 1000]);
            lost += usize::from(file.read(0, 5000) != [[1; 1000], [2; 1000]].concat());
        }
        assert!((50..200).contains(&lost), "{lost}");
    }

    #[test]
    fn writes_are_torn_between_sectors_only() {
        let mut torn = 0;
        for seed in 0..200 {
            let mut file = written(&[(100, &[7; 2000])]);
            file.lose_power(&mut Random::new(seed));
            let image = file.read(0, 4096).to_vec();
            let sectors: Vec<_> = image.chunks(SECTOR).collect();
            for (nth, sector) in sectors.iter().enumerate() {
                let of_write = if nth == 0 {
                    &sector[100.min(sector.len())..]
                } else {
                    sector
                };
                assert!(
                    of_write.windows(2).all(|pair| pair[0] == pair[1]),
                    "seed {seed}, sector {nth}"
                );
            }
            torn += usize::from(image.contains(&7) && image.iter().filter(|byte| **byte == 7).count() < 2000);
        }
        assert!(torn > 20, "{torn}");
    }

    #[test]
    fn after_a_failed_sync_the_next_one_knows_nothing_of_what_was_lost() {
        let mut lost = 0;
        for seed in 0..100 {
            let mut random = Random::new(seed);
            let mut file = written(&[(0, &[3; 100])]);
            file.fail_to_sync(&mut random);
            file.sync();
            file.lose_power(&mut random);
            lost += usize::from(file.read(0, 100) != [3; 100]);
        }
        assert!(lost > 30, "{lost}");
    }
}
