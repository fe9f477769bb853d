//! For whom it is asked (EDNS Client Subnet).

use hickory_proto::op::Edns;
use hickory_proto::rr::rdata::opt::{ClientSubnet as WireSubnet, EdnsCode, EdnsOption};
use ipnet::IpNet;

use super::*;

const PREFIX: &str = "203.0.113.0/24";

/// An answer that says for whom it is, in so many bits.
fn scoped(reply: Message, prefix: &str, scope: u8) -> Vec<u8> {
    let mut reply = good(reply);
    let prefix: IpNet = prefix.parse().unwrap();
    let mut edns = Edns::new();
    let subnet = WireSubnet::new(prefix.addr(), prefix.prefix_len(), scope);
    edns.options_mut().insert(EdnsOption::Subnet(subnet));
    reply.set_edns(edns);
    reply.to_vec().unwrap()
}

/// What a view for [`PREFIX`] finds at a server that follows `script`.
fn resolution(script: &Script, timeout: Duration) -> Resolution {
    block_on(async {
        let config = view_of("isp", script.serve().await, Transport::Udp);
        let resolvers = open(&[ResolverConfig { subnet: Some(PREFIX.parse().unwrap()), timeout, ..config.clone() }]);
        resolvers.lookup(&config.view, &"www.example.pk".parse().unwrap(), AddressFamily::A).await
    })
}

#[test]
fn the_question_names_the_prefix_and_the_resolution_keeps_for_whom_the_answer_holds() {
    let script = Script::new(|question, _| vec![scoped(reply(question), PREFIX, 16)]);
    let found = resolution(&script, PATIENCE);
    assert_eq!(found.addresses().collect::<Vec<_>>(), [IpAddr::from(GOOD)]);
    assert_eq!(found.subnet, Some(ClientSubnet { prefix: PREFIX.parse().unwrap(), scope: Some(16) }));
    let asked = script.asked.lock().unwrap();
    let option = asked[0].edns.as_ref().unwrap().option(EdnsCode::Subnet);
    assert_eq!(option, Some(&EdnsOption::Subnet(WireSubnet::new([203, 0, 113, 0].into(), 24, 0))));
}

#[test]
fn of_an_answer_that_says_nothing_nobody_knows_for_whom_it_holds() {
    let unscoped = Some(ClientSubnet { prefix: PREFIX.parse().unwrap(), scope: None });
    let found = resolution(&Script::answering(good), PATIENCE);
    assert_eq!((found.outcome_word(), found.subnet), ("answered", unscoped));
    let old = Script::new(|question, _| {
        let mut refused = code(Message::response(question.id, OpCode::Query), ResponseCode::FormErr);
        refused.metadata.recursion_available = true;
        vec![if question.edns.is_some() { refused.to_vec().unwrap() } else { good_bytes(question) }]
    });
    let found = resolution(&old, PATIENCE);
    assert_eq!((found.outcome_word(), found.subnet), ("answered", unscoped));
}

#[test]
fn an_answer_for_somebody_else_is_dropped() {
    for other in ["198.51.100.0/24", "203.0.112.0/23", "2001:db8::/24"] {
        let then_true = Script::new(move |question, _| {
            vec![scoped(reply(question.clone()), other, 24), scoped(reply(question), PREFIX, 24)]
        });
        assert_eq!(resolution(&then_true, PATIENCE).outcome_word(), "answered", "{other}");
        assert_eq!(then_true.asked.lock().unwrap().len(), 1);
        let forged = Script::new(move |question, _| vec![scoped(reply(question), other, 24)]);
        assert_eq!(resolution(&forged, TIMEOUT).outcome_word(), "timeout", "{other}");
    }
}

#[test]
fn a_view_without_a_prefix_asks_for_nobody_in_particular() {
    let script = Script::new(|question, _| vec![scoped(reply(question), PREFIX, 16)]);
    let found = block_on(async {
        let config = view_of("plain", script.serve().await, Transport::Udp);
        let config = ResolverConfig { timeout: PATIENCE, ..config };
        open(std::slice::from_ref(&config))
            .lookup(&config.view, &"www.example.pk".parse().unwrap(), AddressFamily::A)
            .await
    });
    assert_eq!((found.outcome_word(), found.subnet), ("answered", None));
    let asked = script.asked.lock().unwrap();
    assert!(asked[0].edns.as_ref().unwrap().option(EdnsCode::Subnet).is_none());
}
