use proptest::prelude::*;

use super::*;

fn shipped() -> NameTable {
    NameTable::parse(include_bytes!("../../../../geodb/rdns.csv")).unwrap()
}

fn read(name: &str) -> Option<String> {
    shipped().read(name).map(|reading| format!("{} {}", reading.place, reading.country))
}

fn place(name: &str) -> String {
    read(name).unwrap_or_else(|| "nothing".to_owned())
}

#[test]
fn lhr_is_lahore_where_ptcl_writes_it_and_nothing_where_nobody_says_what_it_is() {
    assert_eq!(place("webconcepts.lhr63d1.pie.net.pk"), "Lahore PK");
    assert_eq!(place("LHR63.PIE.NET.PK."), "Lahore PK");
    for elsewhere in [
        "ae1.core1.lhr1.he.net",
        "be1.ccr41.lhr01.atlas.cogentco.com",
        "lhr63.example.net",
        "lhr63.pie.net.pk.example.net",
        "lhr63.notpie.net.pk",
        "lhr-bb1-link.ip.twelve99.net",
        "lhr63.net.pk",
    ] {
        assert_eq!(place(elsewhere), "nothing", "{elsewhere}");
    }
}

#[test]
fn every_operator_is_read_in_its_own_way() {
    for (name, said) in [
        ("static.khi77.pie.net.pk", "Karachi PK"),
        ("khi275.p01.pie.net.pk", "Karachi PK"),
        ("static-10ge-khi494-p01-khi494-swb.pie.net.pk", "Karachi PK"),
        ("rwp44.pie.net.pk", "Rawalpindi PK"),
        ("pos0-2-5-0.palermo17.pal.seabone.net", "Palermo IT"),
        ("xe-11-0-1.singapore2.sin.seabone.net", "Singapore SG"),
        ("ffm-bb1-link.ip.twelve99.net", "Frankfurt DE"),
        ("mei-b5-link.ip.twelve99.net", "Marseille FR"),
        ("ae-5.r24.londen12.uk.bb.gin.ntt.net", "London GB"),
        ("xe-0-5-0-4.r01.asbnva02.us.bb.gin.ntt.net", "Ashburn US"),
        ("te0-3-0-6-9.ccr31.sin01.atlas.cogentco.com", "Singapore SG"),
        ("port-channel2.core2.dxb1.he.net", "Dubai AE"),
        ("100ge9-1.core1.par2.he.net", "Paris FR"),
        ("ae14.cr3-mtl1.ip4.gtt.net", "Montreal CA"),
        ("ae-1-3502.ear2.Paris1.Level3.net", "Paris FR"),
        ("ae2.3211.edge7.Amsterdam1.level3.net", "Amsterdam NL"),
        ("ix-ae-0-4.tcore1.mlv-mumbai.as6453.net", "Mumbai IN"),
        ("if-ae-7-2.tcore1.N75-New-York.as6453.net", "New York US"),
        ("ae3-4.RT.IRX.FKT.DE.retn.net", "Frankfurt DE"),
        ("hundredge0-0-0-9.clbr01.tok02.pccwbtn.net", "Tokyo JP"),
        ("te0-3-0-4.128.br04.sjo01.pccwbtn.net", "San Jose US"),
    ] {
        assert_eq!(place(name), said, "{name}");
    }
}

#[test]
fn what_has_no_form_or_no_code_says_nothing() {
    for name in [
        "",
        ".",
        "pie.net.pk",
        "khi.pie.net.pk",
        "khi77x-lhr63.pie.net.pk",
        "static-khi494-lhr63.pie.net.pk",
        "mail.isb60.pie.net.pk",
        "cloudflare.baires5.bai.seabone.net",
        "telia-2-fra34.fra.seabone.net",
        "fra.seabone.net",
        "ae-1.r20.frnkge04.us.bb.gin.ntt.net",
        "xe-2.level3.asbnva02.us.ce.gin.ntt.net",
        "CENTURYLINK.edge6.Dallas3.Level3.net",
        "tiscali.fra03.atlas.cogentco.com",
        "google-gw.ip4.gtt.net",
        "xyz-bb1-link.ip.twelve99.net",
        "prs-bb1-link.ip.twelve99.net.evil.example",
        "evil.prs-bb1-link.ip.twelve99.net",
    ] {
        assert_eq!(read(name), None, "{name}");
    }
}

#[test]
fn hostile_names_say_nothing() {
    let long = format!("{}.khi77.pie.net.pk", "a.".repeat(120));
    for name in [
        "<script>alert(1)</script>.khi77.pie.net.pk",
        "a\\.b.khi77.pie.net.pk",
        "\\255\\000.khi77.pie.net.pk",
        "\u{1b}[2J.khi77.pie.net.pk",
        "پہرا.khi77.pie.net.pk",
        "..khi77.pie.net.pk",
        " khi77.pie.net.pk",
        long.as_str(),
    ] {
        assert_eq!(read(name), None, "{name}");
    }
}

#[test]
fn every_reading_names_the_networks_that_it_counts_for() {
    let table = shipped();
    assert_eq!(table.read("rwp44.pie.net.pk").unwrap().operator, [Asn(17557), Asn(45595)]);
    assert_eq!(table.read("rwp44.pie.net.pk").unwrap().code, "rwp");
    assert!(table.operators.values().all(|operator| !operator.networks.is_empty()));
}

#[test]
fn the_longest_suffix_that_is_known_speaks() {
    let table = "suffix,form,networks,code,place,country,source\n\
                 example.net,any.@,64500,,,,here\n\
                 example.net,,,fra,Frankfurt,DE,here\n\
                 eu.example.net,@,64500,,,,here\n\
                 eu.example.net,,,fra,Framlingham,GB,here\n";
    let table = NameTable::parse(table.as_bytes()).unwrap();
    assert_eq!(table.read("fra.eu.example.net").unwrap().place, "Framlingham");
    assert_eq!(table.read("r1.fra.example.net").unwrap().place, "Frankfurt");
    assert_eq!(table.read("r1.fra.eu.example.net"), None, "its operator has another form");
    assert_eq!((table.len(), table.is_empty()), (2, false));
}

#[test]
fn a_table_with_a_fault_is_refused_whole_and_the_line_named() {
    let faults = [
        ("", "it is no table"),
        ("example.net,@,64500,,,,here\n", "example.net has a form and no code"),
        ("example.net,,,fra,Frankfurt,DE,here\n", "line 2: a code of a suffix whose form comes later"),
        ("example.net,@,,,,,here\n", "line 2: no networks"),
        ("example.net,@,64500,,,,\n", "line 2: no source"),
        ("example.net,@.@,64500,,,,here\n", "line 2: no form"),
        ("example.net,(.*),64500,,,,here\n", "line 2: no form"),
        ("example.net,if.any,64500,,,,here\n", "line 2: no form"),
        (",@,64500,,,,here\n", "line 2: no suffix"),
        ("exa mple.net,@,64500,,,,here\n", "line 2: no suffix"),
        ("example.net,@,64500,fra,Frankfurt,DE,here\n", "line 2: a form beside a code"),
        ("example.net,@,64500,,,,here\nexample.net,@,64500,,,,here\n", "line 3: a suffix whose form was told before"),
        ("example.net,@,64500,,,,here\nexample.net,,,fra,Frankfurt,XX,here\n", "line 3: no country"),
        ("example.net,@,64500,,,,here\nexample.net,,,f1,Frankfurt,DE,here\n", "line 3: no code"),
        ("example.net,@,64500,,,,here\nexample.net,,,fra,,DE,here\n", "line 3: a code has a place"),
        ("example.net,@\n", "it is no table"),
    ];
    for (rows, said) in faults {
        let text = format!("suffix,form,networks,code,place,country,source\n{rows}");
        let fault = NameTable::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(fault.starts_with(said), "{rows}: {fault}");
    }
    assert!(NameTable::parse(b"\xff\xfe\x00").is_err());
    assert!(NameTable::parse(b"provider,region,country,source\naws,x,DE,y\n").is_err());
}

proptest! {
    #[test]
    fn no_name_breaks_it(name in any::<String>(), labels in prop::collection::vec("[a-z0-9-]{0,8}", 0..5)) {
        let table = shipped();
        let _ = table.read(&name);
        for suffix in table.operators.keys() {
            if let Some(reading) = table.read(&format!("{}.{suffix}", labels.join("."))) {
                prop_assert!(reading.country.is_assigned());
            }
        }
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = NameTable::parse(&bytes);
    }

    #[test]
    fn no_rows_break_it(rows in "((a\\.b|c),[@9.*a-z-]{0,6},[0-9 ]{0,6},[a-z]{0,2},[A-Z]{0,2},[A-Z]{0,2},x\n){0,5}") {
        let _ = NameTable::parse(format!("suffix,form,networks,code,place,country,source\n{rows}").as_bytes());
    }
}
