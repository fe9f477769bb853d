//! Extensions of ICMP errors (RFC 4884), of which MPLS label stacks are read (RFC 4950).

use super::checksum::Sum;
use crate::trace::extras::{Extras, Label};

/// Where extensions begin, after the eight bytes of an ICMP header, in the messages of routers that do not say where.
const CUSTOMARY: usize = 128;

/// The class and type of an MPLS label stack.
const MPLS: (u8, u8) = (1, 1);

/// The most labels that are read of one message: more than any network stacks.
const MOST: usize = 16;

/// The labels in the body of an ICMP error, which says that it quotes `quoted` bytes, or does not say, by 0. `None` where
/// there are none, or what there is cannot be believed.
pub(super) fn extras(body: &[u8], quoted: usize) -> Option<Box<Extras>> {
    let unannounced = quoted == 0;
    let structure = body.get(if unannounced { CUSTOMARY } else { quoted }..)?;
    let labels = labels(structure, unannounced)?;
    (!labels.is_empty()).then(|| Box::new(Extras { labels, unannounced, ..Extras::default() }))
}

fn labels(structure: &[u8], must_be_summed: bool) -> Option<Vec<Label>> {
    let (header, mut objects) = structure.split_first_chunk::<4>()?;
    let [version, _, checksum @ ..] = *header;
    let is_unsummed = checksum == [0, 0];
    let is_sound = if is_unsummed { !must_be_summed } else { Sum::default().bytes(structure).checksum() == 0 };
    (version >> 4 == 2 && is_sound).then_some(())?;
    let mut labels = Vec::new();
    while let Some(([l0, l1, class, kind], _)) = objects.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let payload = objects.get(4..length)?;
        if (*class, *kind) == MPLS {
            let (entries, _) = payload.as_chunks::<4>();
            labels.extend(entries.iter().take(MOST - labels.len()).map(|entry| Label::of(*entry)));
        }
        objects = objects.get(length..)?;
    }
    Some(labels)
}
