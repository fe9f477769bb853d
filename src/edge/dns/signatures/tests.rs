use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use hickory_proto::dnssec::crypto::Ed25519SigningKey;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, NSEC, RRSIG};
use hickory_proto::dnssec::{DigestType, DnssecSigner, PublicKey, SigningKey};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{NS, SOA};
use hickory_proto::rr::{DNSClass, RData, Record, RecordSet};

use super::super::tests::{Script, TIMEOUT, address, alias, block_on, code, name, with};
use super::*;
use crate::edge::clock;
use crate::edge::dns::exchange::Carrier;
use crate::edge::dns::message::Manner;

const DAY: Duration = Duration::from_secs(86_400);

/// A tree of zones, all signed by one key: `pk` below the root, `good.pk` and `other.pk` below that, and `plain.pk`, which
/// is not signed.
struct Tree {
    key: DNSKEY,
    pkcs8: Vec<u8>,
    sets: BTreeMap<(String, RecordType), Vec<Record>>,
}

impl Tree {
    fn grown() -> Self {
        let pkcs8 = Ed25519SigningKey::generate_pkcs8().unwrap().secret_pkcs8_der().to_vec();
        let key = Ed25519SigningKey::from_pkcs8(&pkcs8.clone().into()).unwrap();
        let key = DNSKEY::from_key(&key.to_public_key().unwrap());
        let mut tree = Self { key, pkcs8, sets: BTreeMap::new() };
        for (zone, above) in [(".", None), ("pk.", Some(".")), ("good.pk.", Some("pk.")), ("other.pk.", Some("pk."))] {
            tree.sign(zone, vec![record(zone, DNSSECRData::DNSKEY(tree.key.clone()))], DAY);
            if let Some(above) = above {
                let digest = DigestType::SHA256;
                let of_key = tree.key.to_digest(&name(zone), digest).unwrap().as_ref().to_vec();
                let tag = tree.key.calculate_key_tag().unwrap();
                let ds = DS::new(tag, tree.key.public_key().algorithm(), digest, of_key);
                tree.sign(above, vec![record(zone, DNSSECRData::DS(ds))], DAY);
            }
            tree.begin(zone, true);
        }
        tree.begin("plain.pk.", false);
        let unsigned = NSEC::new(name("pk."), [RecordType::NS, RecordType::RRSIG, RecordType::NSEC]);
        tree.sign("pk.", vec![record("plain.pk.", DNSSECRData::NSEC(unsigned))], DAY);
        let nothing_else = NSEC::new(name("good.pk."), [RecordType::SOA, RecordType::NS, RecordType::DNSKEY]);
        tree.sign("good.pk.", vec![record("good.pk.", DNSSECRData::NSEC(nothing_else))], DAY);
        tree.sign("good.pk.", vec![address("www.good.pk.", [203, 0, 113, 7])], DAY);
        tree.sign("good.pk.", vec![alias("alias.good.pk.", "www.plain.pk.")], DAY);
        tree.sign("other.pk.", vec![address("www.other.pk.", [203, 0, 113, 8])], DAY);
        tree.add(vec![address("www.plain.pk.", [203, 0, 113, 9])]);
        tree
    }

    /// SOA and NS of a zone; only the SOA has to be signed.
    fn begin(&mut self, zone: &str, is_signed: bool) {
        let soa = SOA::new(name("ns.pk."), name("hostmaster.pk."), 1, 1, 1, 1, 60);
        let soa = vec![Record::from_rdata(name(zone), 60, RData::SOA(soa))];
        if is_signed {
            self.sign(zone, soa, DAY);
        } else {
            self.add(soa);
        }
        self.add(vec![Record::from_rdata(name(zone), 60, RData::NS(NS(name("ns.pk."))))]);
    }

    fn add(&mut self, set: Vec<Record>) {
        self.sets.insert((set[0].name.to_ascii(), set[0].record_type()), set);
    }

    /// Adds a set with its signature by `zone`, which ends `lasting` after it began an hour ago.
    fn sign(&mut self, zone: &str, records: Vec<Record>, lasting: Duration) {
        let key = Ed25519SigningKey::from_pkcs8(&self.pkcs8.clone().into()).unwrap();
        let signer = DnssecSigner::new(self.key.clone(), Box::new(key), name(zone), lasting);
        let mut set = RecordSet::new(records[0].name.clone(), records[0].record_type(), 1);
        for record in &records {
            set.insert(record.clone(), 1);
        }
        let begun = SystemTime::from(clock::now().wall) - Duration::from_secs(3600);
        let signature = RRSIG::from_rrset(&set, DNSClass::IN, begun.into(), &signer).unwrap();
        let signature = Record::from_rdata(records[0].name.clone(), 60, RData::DNSSEC(DNSSECRData::RRSIG(signature)));
        self.add(records.into_iter().chain([signature]).collect());
    }

    fn set(&self, owner: &str, kind: RecordType) -> Vec<Record> {
        self.sets.get(&(owner.to_owned(), kind)).cloned().unwrap_or_default()
    }

    /// What a resolver answers that knows all of it, with what proves a denial.
    fn answer(&self, reply: Message) -> Message {
        let query = reply.queries[0].clone();
        let (owner, kind) = (query.name().to_ascii(), query.query_type());
        let mut found = self.set(&owner, kind);
        if found.is_empty()
            && let Some(alias) = self.set(&owner, RecordType::CNAME).first()
            && let RData::CNAME(target) = &alias.data
        {
            found = [self.set(&owner, RecordType::CNAME), self.set(&target.0.to_ascii(), kind)].concat();
        }
        if !found.is_empty() {
            return with(reply, found);
        }
        let mut zone = if kind == RecordType::DS { query.name().base_name() } else { query.name().clone() };
        while self.set(&zone.to_ascii(), RecordType::SOA).is_empty() {
            zone = zone.base_name();
        }
        let is_there = self.sets.keys().any(|(name, _)| *name == owner);
        let mut denial = if is_there { reply } else { code(reply, ResponseCode::NXDomain) };
        let at = if is_there { owner } else { zone.to_ascii() };
        denial.add_authorities(self.set(&zone.to_ascii(), RecordType::SOA));
        if kind == RecordType::DS || zone != name("plain.pk.") {
            denial.add_authorities(self.set(&at, RecordType::NSEC));
        }
        denial
    }

    fn anchors(&self, zone: &str) -> Anchors {
        Anchors::read(&format!("; the key of all\n{zone} 3600 IN DNSKEY {}\n", self.key)).unwrap()
    }
}

fn record(owner: &str, data: DNSSECRData) -> Record {
    Record::from_rdata(name(owner), 60, RData::DNSSEC(data))
}

/// What `asked` is worth by a resolver that hands on what `change` leaves of the tree.
fn worth_by(
    tree: Tree,
    trusted: &str,
    asked: &str,
    change: impl Fn(Message) -> Vec<Message> + Send + Sync + 'static,
) -> Security {
    let anchors = tree.anchors(trusted);
    let script = Script::new(move |question, _| {
        let mut reply = Message::response(question.id, question.op_code);
        reply.metadata.recursion_available = true;
        reply.metadata.authentic_data = true;
        assert!(question.checking_disabled && question.edns.as_ref().unwrap().flags().dnssec_ok);
        reply.add_queries(question.queries.clone());
        change(tree.answer(reply)).iter().map(|message| message.to_vec().unwrap()).collect()
    });
    block_on(async {
        let server = script.serve().await;
        let deadline = clock::now().mono + TIMEOUT * 4;
        let panel = Panel { servers: vec![server], carrier: Carrier::Udp, manner: Manner::default(), deadline };
        security(panel, &anchors, &asked.parse().unwrap()).await
    })
}

fn worth_of(asked: &str) -> Security {
    worth_by(Tree::grown(), ".", asked, |message| vec![message])
}

#[test]
fn what_is_signed_from_the_root_down_is_secure_a_denial_as_well() {
    for asked in ["www.good.pk", "www.other.pk", "nobody.good.pk"] {
        assert_eq!(worth_of(asked), Security::Secure, "{asked}");
    }
}

#[test]
fn a_zone_that_its_parent_shows_to_be_unsigned_is_insecure_and_so_is_an_alias_that_leads_there() {
    for asked in ["www.plain.pk", "nobody.plain.pk", "alias.good.pk"] {
        assert_eq!(worth_of(asked), Security::Insecure, "{asked}");
    }
}

#[test]
fn an_altered_an_expired_and_a_missing_signature_are_bogus() {
    let mut altered = Tree::grown();
    let set = altered.sets.get_mut(&("www.good.pk.".to_owned(), RecordType::A)).unwrap();
    set[0] = address("www.good.pk.", [10, 10, 34, 36]);
    assert_eq!(worth_by(altered, ".", "www.good.pk", |message| vec![message]), Security::Bogus);
    let mut expired = Tree::grown();
    expired.sign("good.pk.", vec![address("www.good.pk.", [203, 0, 113, 7])], Duration::from_secs(60));
    assert_eq!(worth_by(expired, ".", "www.good.pk", |message| vec![message]), Security::Bogus);
    let mut injected = Tree::grown();
    injected.add(vec![address("www.good.pk.", [10, 10, 34, 36])]);
    assert_eq!(worth_by(injected, ".", "www.good.pk", |message| vec![message]), Security::Bogus);
}

#[test]
fn a_resolver_that_strips_signatures_leaves_it_open_whatever_it_says_that_it_checked() {
    let strip = |mut message: Message| {
        let is_plain = |record: &Record| !matches!(record.data, RData::DNSSEC(DNSSECRData::RRSIG(_)));
        message.answers.retain(is_plain);
        message.authorities.retain(is_plain);
        assert!(message.authentic_data);
        vec![message]
    };
    for asked in ["www.good.pk", "www.plain.pk", "nobody.good.pk"] {
        assert_eq!(worth_by(Tree::grown(), ".", asked, strip), Security::Indeterminate, "{asked}");
    }
}

#[test]
fn what_is_not_answered_leaves_it_open() {
    for kind in [RecordType::DNSKEY, RecordType::DS, RecordType::A] {
        let silent = move |message: Message| {
            let query = &message.queries[0];
            let is_lost = query.query_type() == kind && *query.name() != Name::root();
            if is_lost { Vec::new() } else { vec![message] }
        };
        assert_eq!(worth_by(Tree::grown(), ".", "www.good.pk", silent), Security::Indeterminate, "{kind}");
    }
}

#[test]
fn only_what_is_below_a_trusted_key_is_judged() {
    assert_eq!(worth_by(Tree::grown(), "good.pk.", "www.good.pk", |message| vec![message]), Security::Secure);
    assert_eq!(worth_by(Tree::grown(), "good.pk.", "www.other.pk", |message| vec![message]), Security::Indeterminate);
    let anchors = Anchors::default();
    assert_eq!(anchors.above(&name("www.good.pk.")), Some(&Name::root()));
}

#[test]
fn a_file_without_keys_is_refused_with_what_to_write() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("root.key");
    let missing = Anchors::open(&path).unwrap_err().to_string();
    assert!(missing.contains("root.key") && missing.ends_with("correct the path or its permissions"), "{missing}");
    let ds = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
    for text in ["", "; nothing", "rubbish", "\u{1b}[2J", ds, ". IN DNSKEY 257 3 8 !"] {
        #[expect(clippy::disallowed_methods, reason = "a file of this test")]
        std::fs::write(&path, text).unwrap();
        let refused = Anchors::open(&path).unwrap_err().to_string();
        assert!(refused.contains("write DNSKEY records"), "{text}: {refused}");
        assert!(!refused.contains('\u{1b}'), "{refused}");
    }
}
