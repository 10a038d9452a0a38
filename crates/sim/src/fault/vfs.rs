//! The layer by which SQLite calls the machine: the only `unsafe` code of the project.
//!
//! What it relies on: SQLite calls a method of a file between `xOpen`, which makes the handle, and `xClose`, which ends
//! it; it passes buffers of the lengths that it names; and it has closed every file before the [`Vfs`] is dropped,
//! because whoever holds the `Vfs` drops the connections first.
//!
//! No method panics: a panic must not pass through C.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use super::machine::{Handle, Machine, Shared, lock};

/// What SQLite takes for the size of a sector. It asks for no more than that neighbours of a written range are unharmed.
const SECTOR: c_int = 4096;
/// The longest path that SQLite may ask for.
const PATH_BYTES: c_int = 512;
/// Half past anything: the stores ask SQLite for no time.
const JULIAN_MS: i64 = 212_000_000_000_000;

/// A file system, registered under a name of its own as long as this lives.
pub(crate) struct Vfs {
    name: CString,
    registered: *mut sqlite3_vfs,
    app: *mut App,
}

/// What `pAppData` points to.
struct App {
    machine: Shared,
    indexes: Mutex<BTreeMap<(String, u64), Weak<Index>>>,
}

/// The shared index of a write-ahead log in one life of the process: blocks of memory that SQLite reads and writes by
/// itself. They stay until the last handle lets them go, also after a crash, for SQLite closes what it has open.
#[derive(Default)]
struct Index(Mutex<Vec<Block>>);

struct Block {
    memory: *mut u64,
    words: usize,
}

// SAFETY: a block is memory of its own; what is in it is SQLite's business, which locks it.
unsafe impl Send for Block {}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the pointer and the length are those of the boxed slice that `map_index` took apart.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(self.memory, self.words)) });
    }
}

/// What SQLite sees of an open file, in memory of its own of `szOsFile` bytes.
#[repr(C)]
struct OpenFile {
    base: sqlite3_file,
    state: *mut FileState,
}

struct FileState {
    machine: Shared,
    handle: Handle,
    /// `None` until SQLite asks for it, and after it has let it go.
    index: Option<Arc<Index>>,
    app: *const App,
}

impl Vfs {
    /// Registers a file system on this machine.
    ///
    /// # Errors
    /// SQLite's code, when it cannot.
    pub(crate) fn register(machine: Shared) -> Result<Self, c_int> {
        static REGISTERED: AtomicU64 = AtomicU64::new(0);
        let name = format!("ringback-sim-{}", REGISTERED.fetch_add(1, Ordering::Relaxed));
        let name = CString::new(name).map_err(|_| ffi::SQLITE_ERROR)?;
        let app = Box::into_raw(Box::new(App {
            machine,
            indexes: Mutex::default(),
        }));
        let registered = Box::into_raw(Box::new(description(&name, app)));
        // From here on dropping it frees both.
        let vfs = Self {
            name,
            registered,
            app,
        };
        // SAFETY: `registered` lives until it is unregistered in `drop`, and so does the name that it points to.
        match unsafe { ffi::sqlite3_vfs_register(registered, 0) } {
            ffi::SQLITE_OK => Ok(vfs),
            code => Err(code),
        }
    }

    /// The name to open a connection with.
    pub(crate) fn name(&self) -> &str {
        self.name.to_str().unwrap_or_default()
    }
}

impl Drop for Vfs {
    fn drop(&mut self) {
        // SAFETY: both pointers came from `Box::into_raw` in `register`; unregistering what is not registered is
        // harmless; no connection is open any more (see the module's promise).
        unsafe {
            ffi::sqlite3_vfs_unregister(self.registered);
            drop(Box::from_raw(self.registered));
            drop(Box::from_raw(self.app));
        }
    }
}

fn description(name: &CStr, app: *mut App) -> sqlite3_vfs {
    sqlite3_vfs {
        iVersion: 2,
        szOsFile: c_int::try_from(size_of::<OpenFile>()).unwrap_or(c_int::MAX),
        mxPathname: PATH_BYTES,
        pNext: std::ptr::null_mut(),
        zName: name.as_ptr(),
        pAppData: app.cast(),
        xOpen: Some(open),
        xDelete: Some(delete),
        xAccess: Some(access),
        xFullPathname: Some(full_pathname),
        xDlOpen: None,
        xDlError: None,
        xDlSym: None,
        xDlClose: None,
        xRandomness: Some(randomness),
        xSleep: Some(sleep),
        xCurrentTime: None,
        xGetLastError: Some(last_error),
        xCurrentTimeInt64: Some(current_time),
        xSetSystemCall: None,
        xGetSystemCall: None,
        xNextSystemCall: None,
    }
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(raise_lock),
    xUnlock: Some(lower_lock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(map_index),
    xShmLock: Some(lock_index),
    xShmBarrier: Some(barrier),
    xShmUnmap: Some(unmap_index),
    xFetch: None,
    xUnfetch: None,
};

/// # Safety
/// `vfs` is one that was registered here.
unsafe fn app<'a>(vfs: *mut sqlite3_vfs) -> &'a App {
    // SAFETY: `pAppData` is the `App` that `register` made, which outlives every call.
    unsafe { &*(*vfs).pAppData.cast::<App>() }
}

/// # Safety
/// `file` was opened by [`open`] and not closed yet, and no other reference to its state is alive: SQLite uses a
/// connection from one thread at a time.
unsafe fn state<'a>(file: *mut sqlite3_file) -> &'a mut FileState {
    // SAFETY: `open` has put a boxed `FileState` there.
    unsafe { &mut *(*file.cast::<OpenFile>()).state }
}

/// # Safety
/// `name` is a string that ends with a zero.
unsafe fn text<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

fn code(result: Result<(), c_int>) -> c_int {
    result.err().unwrap_or(ffi::SQLITE_OK)
}

fn place(at: i64) -> usize {
    usize::try_from(at).unwrap_or_default()
}

fn blocks(index: &Mutex<Vec<Block>>) -> MutexGuard<'_, Vec<Block>> {
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room for `szOsFile` bytes, a name that ends with a zero, and perhaps a place for the flags.
    // Without methods the file counts as not opened.
    unsafe {
        let file = file.cast::<OpenFile>();
        (*file).base.pMethods = std::ptr::null();
        let (app, Some(name)) = (app(vfs), text(name)) else {
            return ffi::SQLITE_CANTOPEN;
        };
        let handle = match lock(&app.machine).open(name, flags & ffi::SQLITE_OPEN_CREATE != 0) {
            Ok(handle) => handle,
            Err(code) => return code,
        };
        (*file).state = Box::into_raw(Box::new(FileState {
            machine: Arc::clone(&app.machine),
            handle,
            index: None,
            app,
        }));
        (*file).base.pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: the file was opened, and is not used after this; the state came from `Box::into_raw`.
    let state = unsafe {
        let file = file.cast::<OpenFile>();
        (*file).base.pMethods = std::ptr::null();
        Box::from_raw((*file).state)
    };
    lock(&state.machine).close(&state.handle);
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, count: c_int, at: i64) -> c_int {
    // SAFETY: the file is open, and `into` has room for `count` bytes.
    let (state, into) = unsafe {
        let into = slice::from_raw_parts_mut(into.cast::<u8>(), usize::try_from(count).unwrap_or_default());
        (state(file), into)
    };
    code(lock(&state.machine).read(&state.handle, place(at), into))
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, count: c_int, at: i64) -> c_int {
    // SAFETY: the file is open, and `from` holds `count` bytes.
    let (state, from) = unsafe {
        let from = slice::from_raw_parts(from.cast::<u8>(), usize::try_from(count).unwrap_or_default());
        (state(file), from)
    };
    code(lock(&state.machine).write(&state.handle, place(at), from))
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, len: i64) -> c_int {
    // SAFETY: the file is open.
    let state = unsafe { state(file) };
    code(lock(&state.machine).truncate(&state.handle, place(len)))
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let state = unsafe { state(file) };
    code(lock(&state.machine).sync(&state.handle))
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut i64) -> c_int {
    // SAFETY: the file is open, and `size` is a place for the answer.
    let (state, size) = unsafe { (state(file), &mut *size) };
    match lock(&state.machine).len(&state.handle) {
        Ok(len) => {
            *size = i64::try_from(len).unwrap_or(i64::MAX);
            ffi::SQLITE_OK
        }
        Err(code) => code,
    }
}

unsafe extern "C" fn raise_lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let state = unsafe { state(file) };
    code(lock(&state.machine).raise(&state.handle, level))
}

unsafe extern "C" fn lower_lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    // SAFETY: the file is open.
    let state = unsafe { state(file) };
    lock(&state.machine).lower(&state.handle, level);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut sqlite3_file, reserved: *mut c_int) -> c_int {
    // SAFETY: the file is open, and `reserved` is a place for the answer.
    let (state, reserved) = unsafe { (state(file), &mut *reserved) };
    *reserved = c_int::from(lock(&state.machine).is_reserved(&state.handle));
    ffi::SQLITE_OK
}

unsafe extern "C" fn control(_file: *mut sqlite3_file, _operation: c_int, _argument: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut sqlite3_file) -> c_int {
    SECTOR
}

/// As SQLite's own file system says on Linux.
unsafe extern "C" fn characteristics(_file: *mut sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn map_index(
    file: *mut sqlite3_file,
    nth: c_int,
    bytes: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: the file is open, its `App` outlives it, and `out` is a place for the answer.
    let (state, out) = unsafe { (state(file), &mut *out) };
    *out = std::ptr::null_mut();
    let index = state.index.get_or_insert_with(|| {
        // SAFETY: the `App` outlives every open file.
        let mut indexes = unsafe { &*state.app }
            .indexes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let of_this_life = (
            Machine::name_of(&state.handle).to_owned(),
            Machine::life_of(&state.handle),
        );
        let known = indexes.entry(of_this_life).or_default();
        known.upgrade().unwrap_or_else(|| {
            let index = Arc::new(Index::default());
            *known = Arc::downgrade(&index);
            index
        })
    });
    let (nth, words) = (
        usize::try_from(nth).unwrap_or_default(),
        usize::try_from(bytes).unwrap_or_default() / 8,
    );
    let mut blocks = blocks(&index.0);
    while extend != 0 && blocks.len() <= nth {
        let memory = Box::into_raw(vec![0_u64; words].into_boxed_slice()).cast::<u64>();
        blocks.push(Block { memory, words });
    }
    if let Some(block) = blocks.get(nth) {
        *out = block.memory.cast();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock_index(file: *mut sqlite3_file, first: c_int, count: c_int, flags: c_int) -> c_int {
    // SAFETY: the file is open.
    let state = unsafe { state(file) };
    let slots = (first..first.saturating_add(count))
        .filter_map(|slot| 1_u8.checked_shl(u32::try_from(slot).ok()?))
        .fold(0, |slots, slot| slots | slot);
    let mut machine = lock(&state.machine);
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        machine.unlock_index(&state.handle, slots);
        return ffi::SQLITE_OK;
    }
    code(machine.lock_index(&state.handle, slots, flags & ffi::SQLITE_SHM_EXCLUSIVE != 0))
}

unsafe extern "C" fn barrier(_file: *mut sqlite3_file) {
    std::sync::atomic::fence(Ordering::SeqCst);
}

unsafe extern "C" fn unmap_index(file: *mut sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: the file is open.
    let state = unsafe { state(file) };
    state.index = None;
    lock(&state.machine).unlock_index(&state.handle, u8::MAX);
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    // SAFETY: the VFS is ours, and the name ends with a zero.
    let (app, Some(name)) = (unsafe { (app(vfs), text(name)) }) else {
        return ffi::SQLITE_IOERR_DELETE;
    };
    code(lock(&app.machine).delete(name, sync_directory != 0))
}

unsafe extern "C" fn access(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    found: *mut c_int,
) -> c_int {
    // SAFETY: the VFS is ours, the name ends with a zero, and `found` is a place for the answer.
    let (app, name, found) = unsafe { (app(vfs), text(name), &mut *found) };
    *found = c_int::from(name.is_some_and(|name| lock(&app.machine).exists(name)));
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: the name ends with a zero, and `out` has room for `room` bytes.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes_with_nul();
        if usize::try_from(room).unwrap_or_default() < name.len() {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(name.as_ptr().cast(), out, name.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_vfs: *mut sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    // SAFETY: `out` has room for `count` bytes.
    unsafe { std::ptr::write_bytes(out, 0, usize::try_from(count).unwrap_or_default()) };
    count
}

/// Nobody is there to wait for.
unsafe extern "C" fn sleep(_vfs: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    microseconds
}

unsafe extern "C" fn last_error(_vfs: *mut sqlite3_vfs, _room: c_int, _out: *mut c_char) -> c_int {
    0
}

unsafe extern "C" fn current_time(_vfs: *mut sqlite3_vfs, out: *mut i64) -> c_int {
    // SAFETY: `out` is a place for the answer.
    unsafe { *out = JULIAN_MS };
    ffi::SQLITE_OK
}
