//! The thread of the journal: whatever has queued up while the disk was busy is written at once.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

use super::{Journal, JournalError};
use crate::digest::Digest;
use crate::observation::Observation;

/// The most observations that wait for the disk; whoever comes then waits as well.
const QUEUE: usize = 64;

/// Hands observations to the journal's thread. The thread ends when the last of these is dropped.
#[derive(Clone, Debug)]
pub struct JournalWriter {
    queue: mpsc::Sender<Ask>,
}

/// The journal's thread, to be waited for.
#[derive(Debug)]
pub struct JournalThread {
    thread: JoinHandle<()>,
    ended: oneshot::Receiver<()>,
}

#[derive(Debug)]
struct Ask {
    observation: Arc<Observation>,
    reply: oneshot::Sender<Result<Digest, JournalError>>,
}

/// Gives `journal` a thread.
pub fn spawn(mut journal: Journal) -> Result<(JournalWriter, JournalThread), JournalError> {
    let (queue, mut asked) = mpsc::channel(QUEUE);
    let (ending, ended) = oneshot::channel();
    let thread = thread::Builder::new().name("journal".to_owned()).spawn(move || {
        serve(&mut journal, &mut asked);
        drop((journal, ending));
    });
    let thread = thread.map_err(JournalError::io("begin a thread for", Path::new("the journal")))?;
    Ok((JournalWriter { queue }, JournalThread { thread, ended }))
}

impl JournalWriter {
    /// Appends `observation`; when this yields its hash, it is on the disk.
    pub async fn append(&self, observation: impl Into<Arc<Observation>>) -> Result<Digest, JournalError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask { observation: observation.into(), reply };
        self.queue.send(ask).await.map_err(|_| JournalError::Ended)?;
        answer.await.map_err(|_| JournalError::Ended)?
    }
}

impl JournalThread {
    /// Waits until everything handed over is written, every [`JournalWriter`] is dropped and the journal is closed.
    pub async fn ended(self) -> Result<(), JournalError> {
        // The sender is dropped, never used: an error is how this ends.
        let _ = self.ended.await;
        self.thread.join().map_err(|_| JournalError::Ended)
    }
}

fn serve(journal: &mut Journal, asked: &mut mpsc::Receiver<Ask>) {
    let mut batch = Vec::with_capacity(QUEUE);
    while asked.blocking_recv_many(&mut batch, QUEUE) > 0 {
        write(journal, std::mem::take(&mut batch));
    }
}

/// Writes a batch at once, or, when that fails, one by one: a full disk may still have room for some.
fn write(journal: &mut Journal, batch: Vec<Ask>) {
    match journal.append_all(batch.iter().map(|ask| ask.observation.as_ref())) {
        Ok(hashes) => {
            for (ask, hash) in batch.into_iter().zip(hashes) {
                answer(ask, Ok(hash));
            }
        }
        Err(_) if batch.len() > 1 => {
            for ask in batch {
                let written = journal.append(&ask.observation);
                answer(ask, written);
            }
        }
        Err(failed) => {
            for ask in batch {
                answer(ask, Err(failed.clone()));
            }
        }
    }
}

fn answer(ask: Ask, written: Result<Digest, JournalError>) {
    // Whoever asked may have given up meanwhile; the observation is written all the same.
    let _ = ask.reply.send(written);
}
