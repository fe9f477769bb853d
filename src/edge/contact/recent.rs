//! Conversations with hosts that many endpoints share, each held once in a while for all of them: a name server of a
//! thousand names is not spoken to a thousand times.

use std::net::IpAddr;
use std::time::Duration;

use super::Caller;
use crate::contact::Contact;
use crate::contact::call::{Call, Speech};
use crate::edge::memory::Memory;
use crate::edge::turns::Turns;

/// The most conversations that are remembered.
const MOST: usize = 10_000;

/// How long it is remembered, at most, that nobody answered.
const FAILED: Duration = Duration::from_secs(30);

/// What was said lately, and by whom.
#[derive(Debug)]
pub struct Recent {
    lifetime: Duration,
    contacts: Memory<(IpAddr, u16, Speech), Contact>,
}

impl Recent {
    /// Remembers a conversation for `lifetime`.
    pub fn new(lifetime: Duration) -> Self {
        Self { lifetime, contacts: Memory::of(MOST) }
    }

    /// The same as [`Caller::call`], or the conversation of the same words that was held lately; it says when.
    pub async fn call(&self, caller: &Caller, call: &Call, turns: &Turns) -> Contact {
        // Pages are asked for by everybody in his own words.
        if let Speech::Http(_) = call.speech {
            return Box::pin(caller.call(call, turns)).await;
        }
        let ask = async {
            let contact = Box::pin(caller.call(call, turns)).await;
            let lifetime = if contact.answered() { self.lifetime } else { self.lifetime.min(FAILED) };
            (contact, lifetime)
        };
        self.contacts.get((call.address, call.port, call.speech.clone()), ask).await
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rustls::RootCertStore;

    use super::*;
    use crate::trace::courtesy::Courtesy;

    #[tokio::test]
    async fn the_same_words_are_said_once_while_they_are_remembered() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let caller = Caller::new(RootCertStore::empty()).unwrap();
        let turns = Turns::new(Courtesy::per_second(1000, 100));
        let (address, timeout) = ([127, 0, 0, 1].into(), Duration::from_secs(5));
        let call = Call { address, port, attempts: 1, timeout, speech: Speech::Nothing };
        for (lifetime, expected) in [(Duration::from_secs(3600), 1), (Duration::ZERO, 3)] {
            let recent = Recent::new(lifetime);
            let first = recent.call(&caller, &call, &turns).await;
            let (second, third) =
                tokio::join!(recent.call(&caller, &call, &turns), recent.call(&caller, &call, &turns));
            assert!(first.answered());
            assert_eq!((second == first, third == first), (expected == 1, expected == 1));
            let accepted = std::iter::from_fn(|| listener.accept().ok()).count();
            assert_eq!(accepted, expected);
        }
    }
}
