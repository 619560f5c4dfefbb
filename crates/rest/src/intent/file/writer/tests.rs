use super::*;
use crate::{IntentState, intent::Said};
use capecrypto_models::Timestamp;
use std::{borrow::Cow, sync::mpsc};

/// A disk that fails when it is told to.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    synced: usize,
    syncs: usize,
    /// How many more bytes fit; `None` if there is no limit.
    room: Option<usize>,
    sync_fails: bool,
    cut_fails: bool,
    /// Each append waits for a message here.
    gate: Option<mpsc::Receiver<()>>,
}

impl Disk {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.0));
    }

    fn text(&self) -> String {
        String::from_utf8(lock(&self.0).bytes.clone()).unwrap()
    }

    fn synced(&self) -> usize {
        lock(&self.0).synced
    }

    fn syncs(&self) -> usize {
        lock(&self.0).syncs
    }
}

fn full() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Storage for Disk {
    fn length(&self) -> io::Result<u64> {
        Ok(lock(&self.0).bytes.len().try_into().unwrap())
    }
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let gate = lock(&self.0).gate.take();
        if let Some(gate) = &gate {
            gate.recv().unwrap();
        }
        let mut state = lock(&self.0);
        state.gate = gate;
        let fits = state.room.unwrap_or(bytes.len()).min(bytes.len());
        state.bytes.extend_from_slice(&bytes[..fits]);
        state.room = state.room.map(|room| room - fits);
        if fits == bytes.len() { Ok(()) } else { Err(full()) }
    }
    fn sync(&mut self) -> io::Result<()> {
        let mut state = lock(&self.0);
        if state.sync_fails {
            return Err(full());
        }
        state.syncs += 1;
        state.synced = state.bytes.len();
        Ok(())
    }
    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut state = lock(&self.0);
        if state.cut_fails {
            return Err(full());
        }
        state.bytes.truncate(length.try_into().unwrap());
        Ok(())
    }
}

fn intent() -> Intent {
    Intent {
        id: IntentId::random(),
        at: Timestamp::from_unix_millis(1).unwrap(),
        call: Cow::Borrowed("CreateOrder"),
        origin: "http://127.0.0.1".into(),
        acting_as: None,
        said: Said::Written { path: "/orders".to_owned(), arguments: Vec::new() },
        state: IntentState::Begun,
    }
}

fn begin() -> Line {
    Line::Begin(intent())
}

fn end(id: IntentId) -> Line {
    Line::End { id, outcome: super::super::lines::End::Refused }
}

#[tokio::test]
async fn a_beginning_is_on_the_disk_and_an_end_goes_there_with_the_next_one() {
    let disk = Disk::default();
    let writer = Writer::new(disk.clone(), Vec::new());
    let first = intent();
    writer.append(Line::Begin(first.clone())).await.unwrap();
    let all = disk.text().len();
    assert_eq!((disk.synced(), writer.open().len()), (all, 1));
    writer.append(end(first.id)).await.unwrap();
    assert!(disk.text().len() > all && disk.synced() == all && writer.open().is_empty());
    writer.append(begin()).await.unwrap();
    assert_eq!(disk.synced(), disk.text().len());
}

#[tokio::test]
async fn a_full_disk_fails_each_line_and_leaves_no_part_of_one() {
    let disk = Disk::default();
    let writer = Writer::new(disk.clone(), Vec::new());
    writer.append(begin()).await.unwrap();
    let good = disk.text();
    for room in [0, 1, good.len() - 1] {
        disk.change(|state| state.room = Some(room));
        let error = writer.append(begin()).await.unwrap_err().to_string();
        assert!(error.contains("cannot be written") && error.contains("check the disk"), "{error}");
        assert_eq!((disk.text(), writer.open().len()), (good.clone(), 1), "room for {room}");
    }
    disk.change(|state| state.room = None);
    writer.append(begin()).await.unwrap();
    assert_eq!((disk.text().lines().count(), writer.open().len()), (2, 2));
}

#[tokio::test]
async fn after_a_failure_that_leaves_the_file_in_doubt_nothing_is_written_any_more() {
    let break_cut: fn(&mut State) = |state| (state.cut_fails, state.room) = (true, Some(3));
    let break_sync: fn(&mut State) = |state| state.sync_fails = true;
    let mend = |state: &mut State| (state.cut_fails, state.room, state.sync_fails) = (false, None, false);
    for (fails, why) in [(break_cut, "written"), (break_sync, "opened anew")] {
        let disk = Disk::default();
        let writer = Writer::new(disk.clone(), Vec::new());
        disk.change(fails);
        writer.append(begin()).await.unwrap_err();
        let left = disk.text();
        disk.change(mend);
        let error = writer.append(begin()).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!((disk.text(), writer.open().len()), (left, 0));
    }
}

#[tokio::test]
async fn lines_that_come_while_another_is_written_share_a_sync() {
    let disk = Disk::default();
    let (go, gate) = mpsc::channel();
    disk.change(|state| state.gate = Some(gate));
    let writer = Writer::new(disk.clone(), Vec::new());
    let all: Vec<_> = (0..100).map(|_| intent()).collect();
    let waiting: Vec<_> = all.iter().map(|intent| writer.append(Line::Begin(intent.clone()))).collect();
    for _ in 0..100 {
        go.send(()).unwrap();
    }
    for line in waiting {
        line.await.unwrap();
    }
    assert!(disk.syncs() <= 2, "{}", disk.syncs());
    assert_eq!(disk.text().lines().count(), 100);
    assert!(writer.open().iter().map(Intent::id).eq(all.iter().map(Intent::id)), "in the order of the calls");
}

#[test]
fn lines_of_a_runtime_that_ended_get_an_error_and_later_ones_are_written() {
    let disk = Disk::default();
    let writer = Writer::new(disk.clone(), Vec::new());
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ended = runtime();
    let handle = ended.handle().clone();
    ended.shutdown_background();
    let inside = handle.enter();
    let lost = writer.append(begin());
    drop(inside);
    let error = runtime().block_on(lost).unwrap_err().to_string();
    assert!(error.contains("runtime ended"), "{error}");
    runtime().block_on(writer.append(begin())).unwrap();
    assert_eq!((disk.text().lines().count(), writer.open().len()), (1, 1));
}
