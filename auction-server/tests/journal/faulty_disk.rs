//! A disk in memory that does everything a disk may do.
//!
//! Until it is synced, each written sector of 512 bytes is lost, kept or torn on its own when the power
//! fails, and so is each change of a name. An operation can be made to fail, or the power to fail in it. A
//! failed sync leaves sectors that are shown and believed clean, and are not on the disk: what Linux does.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use auction_server::testing::journal::Disk;
use auction_server::testing::journal::disk::{Access, DiskFile};
use auction_server::testing::journal::lock::{DirLock, LockState};

const SECTOR: usize = 512;

/// What is to go wrong in the operation it is planned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power fails; part of the operation may have happened.
    PowerOff,
    /// The operation fails; part of it may have happened.
    Error,
}

#[derive(Clone)]
pub struct FaultyDisk(Arc<Mutex<State>>);

struct State {
    files: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Since the last sync of the folder.
    name_changes: Vec<NameChange>,
    operations: u64,
    plan: Option<(u64, Fault)>,
    power: bool,
    capacity: usize,
    scatter: bool,
    syncs_fail: bool,
    lock: Arc<()>,
    random: Random,
}

/// What is shown (`cached`), what is on the disk, and which sectors a sync would write.
#[derive(Clone, Default)]
struct Inode {
    cached: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

#[derive(Clone)]
enum NameChange {
    Set(String, usize),
    Unset(String),
    Rename(String, String, usize),
}

/// Splitmix64: the same subsets for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

impl FaultyDisk {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            files: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            name_changes: Vec::new(),
            operations: 0,
            plan: None,
            power: true,
            capacity: usize::MAX,
            scatter: false,
            syncs_fail: false,
            lock: Arc::new(()),
            random: Random(seed),
        })))
    }

    pub fn shared(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    /// Plans `fault` for the operation that comes after `count` more that change something.
    pub fn plan(&self, count: u64, fault: Fault) {
        let mut state = self.state();
        state.plan = Some((state.operations + count, fault));
    }

    pub fn cancel_plan(&self) {
        self.state().plan = None;
    }

    /// How many operations changed something so far.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// All files together hold at most so many bytes.
    pub fn set_capacity(&self, bytes: usize) {
        self.state().capacity = bytes;
    }

    /// Writes happen sector by sector, in a mixed order, and others may read in between.
    pub fn scatter_writes(&self) {
        self.state().scatter = true;
    }

    /// From now on no file is synced.
    pub fn fail_syncs(&self) {
        self.state().syncs_fail = true;
    }

    /// The power fails and comes back: what was not synced is lost, kept or torn.
    pub fn power_loss(&self) {
        let mut guard = self.state();
        let state = &mut *guard;
        for file in &mut state.files {
            file.settle(&mut state.random);
            file.cached = file.durable.clone();
            file.dirty.clear();
        }
        let mode = state.random.below(3);
        for change in std::mem::take(&mut state.name_changes) {
            let kept = mode == 1 || (mode == 2 && state.random.below(2) == 0);
            if kept {
                change.apply(&mut state.durable_names);
            }
        }
        state.names = state.durable_names.clone();
        state.power = true;
        state.plan = None;
    }

    /// The names of the files that are there.
    pub fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// What a file holds.
    pub fn content(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.names[name]].cached.clone()
    }

    /// Makes a file hold `content`, durably.
    pub fn set_content(&self, name: &str, content: &[u8]) {
        let mut state = self.state();
        let inode = state.names[name];
        let (cached, durable) = (content.to_vec(), content.to_vec());
        state.files[inode] = Inode {
            cached,
            durable,
            dirty: BTreeSet::new(),
        };
    }

    /// A disk of its own with the same files, all of them durable.
    pub fn copy(&self) -> Self {
        let copy = Self::new(0);
        {
            let (from, mut to) = (self.state(), copy.state());
            for (name, &inode) in &from.names {
                let index = to.files.len();
                let content = from.files[inode].cached.clone();
                to.files.push(Inode {
                    cached: content.clone(),
                    durable: content,
                    ..Inode::default()
                });
                to.names.insert(name.clone(), index);
            }
            to.durable_names = to.names.clone();
        }
        copy
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn powered(&self) -> io::Result<()> {
        if self.power {
            Ok(())
        } else {
            Err(io::Error::other("the power is off"))
        }
    }

    /// Counts an operation that changes something. `Some`: it goes wrong.
    fn begin(&mut self) -> io::Result<Option<Fault>> {
        self.powered()?;
        let number = self.operations;
        self.operations += 1;
        let fault = self
            .plan
            .filter(|&(at, _)| at == number)
            .map(|(_, fault)| fault);
        if fault == Some(Fault::PowerOff) {
            self.power = false;
        }
        Ok(fault)
    }

    fn change_name(&mut self, change: NameChange) -> io::Result<()> {
        let fault = self.begin()?;
        let happens = match fault {
            None => true,
            Some(Fault::PowerOff) => self.random.below(2) == 0,
            Some(Fault::Error) => false,
        };
        if happens {
            change.apply(&mut self.names);
            self.name_changes.push(change);
        }
        fault.map_or(Ok(()), |_| Err(broken()))
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.powered()?;
        self.names
            .get(&name_of(path))
            .copied()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn used(&self) -> usize {
        self.names
            .values()
            .map(|&inode| self.files[inode].cached.len())
            .sum()
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Set(name, inode) => drop(names.insert(name.clone(), *inode)),
            Self::Unset(name) => drop(names.remove(name)),
            Self::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }
}

impl Inode {
    fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if bytes.is_empty() {
            return;
        }
        if self.cached.len() < end {
            self.cached.resize(end, 0);
        }
        self.cached[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR..=(end - 1) / SECTOR);
    }

    /// Only what is dirty is written: a sector believed clean stays as it is on the disk.
    fn sync(&mut self) {
        self.durable.resize(self.cached.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(self.cached.len());
            self.durable[start..end].copy_from_slice(&self.cached[start..end]);
        }
    }

    /// Each dirty sector reaches the disk, or does not, or in part; and so does the length.
    fn settle(&mut self, random: &mut Random) {
        let mode = random.below(4);
        if self.durable.len() < self.cached.len() && random.below(2) == 0 {
            self.durable.resize(self.cached.len(), 0);
        }
        for &sector in &self.dirty {
            let start = sector * SECTOR;
            let end = (start + SECTOR)
                .min(self.cached.len())
                .min(self.durable.len());
            if start >= end {
                continue;
            }
            let (from, to) = match (mode, random.below(3)) {
                (0, _) | (2 | 3, 0) => continue,
                (1, _) | (2 | 3, 1) => (start, end),
                (2, _) => (start, start + random.below(end - start)),
                _ => (start + random.below(end - start), end),
            };
            self.durable[from..to].copy_from_slice(&self.cached[from..to]);
        }
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        self.state().powered()
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        state.powered()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let inode = match access {
            Access::Read | Access::ReadWrite => state.find(path)?,
            Access::Create => {
                let inode = state.files.len();
                state.files.push(Inode::default());
                state.change_name(NameChange::Set(name_of(path), inode))?;
                inode
            }
        };
        Ok(Box::new(FaultyFile {
            disk: self.clone(),
            inode,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let inode = state.find(from)?;
        state.change_name(NameChange::Rename(name_of(from), name_of(to), inode))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.find(path)?;
        state.change_name(NameChange::Unset(name_of(path)))
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        let mut state = self.state();
        if state.begin()?.is_some() {
            return Err(broken());
        }
        state.durable_names = state.names.clone();
        state.name_changes.clear();
        Ok(())
    }

    fn try_lock(&self, _: &Path) -> io::Result<Option<Box<dyn DirLock>>> {
        let state = self.state();
        state.powered()?;
        let free = Arc::strong_count(&state.lock) == 1;
        Ok(free.then(|| Box::new(Lock(state.lock.clone())) as Box<dyn DirLock>))
    }
}

/// Nobody else comes to this disk.
struct Lock(#[expect(dead_code, reason = "it counts")] Arc<()>);

impl DirLock for Lock {
    fn check(&mut self) -> io::Result<LockState> {
        Ok(LockState::Held)
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    inode: usize,
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.powered()?;
        Ok(state.files[self.inode].cached.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.disk.state();
        state.powered()?;
        let start = offset as usize;
        let bytes = state.files[self.inode]
            .cached
            .get(start..start + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = offset as usize;
        let mut state = self.disk.state();
        let mut fault = state.begin()?.map(|_| broken());
        let mut length = bytes.len();
        if fault.is_some() {
            length = state.random.below(bytes.len() + 1);
        }
        let growth = (offset + length).saturating_sub(state.files[self.inode].cached.len());
        let room = state.capacity.saturating_sub(state.used());
        if growth > room {
            length = length.saturating_sub(growth - room);
            fault = Some(io::ErrorKind::StorageFull.into());
        }
        if state.scatter {
            let mut pieces: Vec<usize> = (0..length).step_by(SECTOR).collect();
            while !pieces.is_empty() {
                let pick = state.random.below(pieces.len());
                let from = pieces.swap_remove(pick);
                let to = (from + SECTOR).min(length);
                state.files[self.inode].write(&bytes[from..to], offset + from);
                drop(state);
                std::thread::yield_now();
                state = self.disk.state();
            }
        } else {
            state.files[self.inode].write(&bytes[..length], offset);
        }
        fault.map_or(Ok(()), Err)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut guard = self.disk.state();
        let state = &mut *guard;
        let planned = state.begin()?;
        let fault = planned.or(state.syncs_fail.then_some(Fault::Error));
        let file = &mut state.files[self.inode];
        match fault {
            None => {
                file.sync();
                Ok(())
            }
            Some(Fault::PowerOff) => Err(broken()),
            Some(Fault::Error) => {
                // Shown, believed clean, and not on the disk.
                file.settle(&mut state.random);
                file.dirty.clear();
                Err(broken())
            }
        }
    }
}

fn broken() -> io::Error {
    io::Error::other("the disk failed")
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}
