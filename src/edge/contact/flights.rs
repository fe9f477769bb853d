//! A connection that notes when something was sent and when something came, for the time of a handshake.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::edge::clock;

/// A connection under observation.
#[derive(Debug)]
pub(super) struct Timed<S> {
    connection: S,
    flights: Flights,
}

/// What goes out and what comes back, in turns. A round trip begins with the first that is sent after something came, and
/// ends with the last that comes before anything else is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flights {
    began: Option<Instant>,
    sent: Option<Instant>,
    heard: Option<Instant>,
    heard_last: Option<Instant>,
    slowest: Duration,
}

impl<S> Timed<S> {
    pub(super) fn new(connection: S) -> Self {
        Self { connection, flights: Flights::default() }
    }

    /// What has been noted until now.
    pub(super) fn flights(&self) -> Flights {
        self.flights
    }
}

impl Flights {
    /// The slowest round trip.
    pub(super) fn slowest(self) -> Duration {
        self.slowest.max(self.current())
    }

    /// From the first that was sent to the last that came.
    pub(super) fn whole(self) -> Duration {
        between(self.began, self.heard_last)
    }

    fn current(self) -> Duration {
        between(self.sent, self.heard)
    }

    /// Something is about to be sent.
    fn handle_sending(&mut self, now: Instant) {
        if self.heard.is_some() || self.sent.is_none() {
            self.slowest = self.slowest();
            (self.sent, self.heard) = (Some(now), None);
        }
        self.began.get_or_insert(now);
    }

    /// Something came.
    fn handle_receipt(&mut self, now: Instant) {
        self.heard = Some(now);
        self.heard_last = Some(now);
    }
}

fn between(from: Option<Instant>, to: Option<Instant>) -> Duration {
    from.zip(to).map_or(Duration::ZERO, |(from, to)| to.saturating_duration_since(from))
}

impl<S> AsyncRead for Timed<S>
where
    S: AsyncRead + Unpin,
{
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.connection).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.flights.handle_receipt(clock::now().mono);
        }
        polled
    }
}

impl<S> AsyncWrite for Timed<S>
where
    S: AsyncWrite + Unpin,
{
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.flights.handle_sending(clock::now().mono);
        Pin::new(&mut self.connection).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.flights.handle_sending(clock::now().mono);
        Pin::new(&mut self.connection).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What went out (`>`) and what came (`<`) after so many milliseconds.
    fn flights(of: &[(char, u64)]) -> (u128, u128) {
        let begun = clock::now().mono;
        let mut flights = Flights::default();
        for (way, at) in of {
            let now = begun + Duration::from_millis(*at);
            if *way == '>' { flights.handle_sending(now) } else { flights.handle_receipt(now) }
        }
        (flights.slowest().as_millis(), flights.whole().as_millis())
    }

    #[test]
    fn the_slowest_round_trip_counts() {
        assert_eq!(flights(&[]), (0, 0));
        assert_eq!(flights(&[('>', 0)]), (0, 0));
        assert_eq!(flights(&[('>', 0), ('>', 1), ('<', 7), ('<', 9)]), (9, 9));
        // A front is quick with a retry or a finish; the key is far behind it.
        assert_eq!(flights(&[('>', 0), ('<', 2), ('>', 3), ('<', 103), ('>', 104)]), (100, 103));
        assert_eq!(flights(&[('>', 0), ('<', 100), ('>', 103), ('<', 105)]), (100, 105));
        // We say something in the midst of one round trip.
        assert_eq!(flights(&[('>', 0), ('<', 50), ('>', 50), ('<', 100), ('>', 101)]), (50, 100));
    }
}
