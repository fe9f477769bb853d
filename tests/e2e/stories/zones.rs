//! What zones say of themselves: who serves them, and what their signatures are worth.

use super::network;
use crate::lab::{Lab, Recursor, SignedServer, ask_zones};
use pehra::resolution::Outcome;
use pehra::resolution::zone::Security;
use pehra::workload::HostName;
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn tell_who_serves_them_and_what_their_signatures_are_worth() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let (home, home6) = (net.v4("portal", "ix"), net.v6("portal", "ix"));
    let (abroad, resolver) = (net.v4("abroad", "sea"), net.v4("dns", "isp"));
    let script = format!(
        "cd {directory}\n\
         new() {{ printf '$ORIGIN %s\\n$TTL 60\\n@ SOA ns1.pk. hostmaster.pk. 1 3600 600 86400 60\\n' \"$1\" >$2; cat >>$2; }}\n\
         sign() {{ key=$(ldns-keygen -a ED25519 -k $1); shift; ldns-signzone -o $1 $3 $4 -f $2.signed $2 $key; cat $key.ds >>above; }}\n\
         : >above\n\
         new good.pk. good.zone <<END\n\
         @ NS ns1\n@ NS ns2\n@ NS ns3\n@ NS ns4\n@ MX 10 mail.example.de.\n@ CAA 0 issue \"ca.example\"\n\
         ns1 A {home}\nns2 AAAA {home6}\nns3 A 127.0.0.1\nns4 A {abroad}\n\
         www A 175.107.60.9\nwww HTTPS 1 . ipv4hint=175.107.60.9\n\
         END\n\
         sign good.pk. good.pk. good.zone\n\
         new late.pk. late.zone <<END\n@ NS ns1.pk.\nwww A 175.107.60.9\nEND\n\
         sign late.pk. late.pk. late.zone -i20200101000000 -e20200201000000\n\
         new plain.pk. plain.zone <<END\n@ NS ns1.pk.\nwww A 175.107.60.9\nEND\n\
         new pk. pk.zone <<END\n@ NS ns1\nns1 A {home}\n\
         good NS ns1.good\ngood NS ns2.good\ngood NS ns3.good\ngood NS ns4.good\n\
         ns1.good A {home}\nns2.good AAAA {home6}\nns3.good A 127.0.0.1\nns4.good A {abroad}\n\
         late NS ns1\nplain NS ns1\nEND\n\
         cat above >>pk.zone; : >above\n\
         sign pk. pk. pk.zone\n\
         new . root.zone <<END\n@ NS ns1.pk.\npk NS ns1.pk.\nns1.pk A {home}\nEND\n\
         cat above >>root.zone\n\
         sign . . root.zone\n\
         grep DNSKEY root.zone.signed | grep -v RRSIG >root.key\n",
        directory = lab.path("").display()
    );
    lab.run_within(20, "portal", &script);
    let all = [
        (".", "root.zone.signed"),
        ("pk", "pk.zone.signed"),
        ("good.pk", "good.zone.signed"),
        ("late.pk", "late.zone.signed"),
        ("plain.pk", "plain.zone"),
    ];
    let _home = SignedServer::start(&lab, "portal", &[home, home6], "isb1", &all);
    let _abroad = SignedServer::start(&lab, "abroad", &[abroad], "fra1", &all[2..3]);
    let _recursor = Recursor::start(&lab, "dns", resolver, home, &["."]);
    let names = ["www.good.pk", "nobody.good.pk", "www.late.pk", "www.plain.pk"];
    let zones = ask_zones(&lab, "khi-1", resolver, &lab.path("root.key"), &names);
    let worth: Vec<_> = zones.iter().map(|zone| zone.security).collect();
    assert_eq!(worth, [Security::Secure, Security::Secure, Security::Bogus, Security::Insecure], "{zones:#?}");
    let good = &zones[0];
    assert_eq!(good.apex.as_ref().map(HostName::as_str), Some("good.pk"));
    let asked: Vec<(IpAddr, Option<&str>)> = good
        .servers
        .iter()
        .flat_map(|server| server.answers.iter().map(|answer| (answer.address, answer.calls_itself.as_deref())))
        .collect();
    assert_eq!(asked, [(home, Some("isb1")), (home6, Some("isb1")), (abroad, Some("fra1"))], "never 127.0.0.1");
    let answers = good.servers.iter().flat_map(|server| &server.answers);
    for answer in answers {
        let Outcome::Answered(answered) = &answer.outcome else { panic!("{answer:?}") };
        assert!(answer.authoritative && answered.addresses[0].address == Ipv4Addr::new(175, 107, 60, 9));
    }
    assert_eq!((good.servers.len(), good.mail[0].name.as_str()), (4, "mail.example.de"));
    assert_eq!((good.services[0].hints.len(), good.issuers.len()), (1, 1));
    assert!(zones.iter().all(|zone| zone.failures.is_empty()), "{zones:#?}");
}
