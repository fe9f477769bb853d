//! Tiny MMDB files for tests, written by hand from the format's specification (version 2.0).

use std::collections::BTreeMap;

use ipnet::IpNet;

/// A value of the data section.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A text of less than 29 + 256 bytes.
    Text(String),
    /// An unsigned number of 32 bits.
    Number(u32),
    /// The same of 16 bits.
    Short(u16),
    /// The same of 64 bits.
    Long(u64),
    /// A list of nothing.
    NoItems,
    /// A map in alphabetical order.
    Map(BTreeMap<String, Value>),
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(crate) fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A database of IPv6, with IPv4 where the format wants it, built at `epoch`.
pub(crate) fn mmdb(records: &[(&str, Value)], epoch: u32) -> Vec<u8> {
    let mut data = Vec::new();
    let mut tree = vec![[Branch::Nothing; 2]];
    for (prefix, value) in records {
        let offset = data.len();
        encode(value, &mut data);
        insert(&mut tree, prefix.parse().unwrap(), Branch::Data(offset));
    }
    let mut file = Vec::new();
    for branch in tree.iter().flatten() {
        let record = match branch {
            Branch::Nothing => tree.len(),
            Branch::Node(node) => *node,
            Branch::Data(offset) => tree.len() + 16 + offset,
        };
        file.extend(u32::try_from(record).unwrap().to_be_bytes());
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    encode(&metadata(u32::try_from(tree.len()).unwrap(), epoch), &mut file);
    file
}

#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(usize),
    Data(usize),
}

fn insert(tree: &mut Vec<[Branch; 2]>, prefix: IpNet, leaf: Branch) {
    let (bits, length) = match prefix {
        IpNet::V4(v4) => (u128::from(v4.network().to_bits()), 96 + v4.prefix_len()),
        IpNet::V6(v6) => (v6.network().to_bits(), v6.prefix_len()),
    };
    let mut node = 0;
    for depth in 0..length {
        let side = usize::from(bits >> (127 - depth) & 1 == 1);
        if depth + 1 == length {
            tree[node][side] = leaf;
        } else if let Branch::Node(next) = tree[node][side] {
            node = next;
        } else {
            tree.push([tree[node][side]; 2]);
            tree[node][side] = Branch::Node(tree.len() - 1);
            node = tree.len() - 1;
        }
    }
}

fn metadata(nodes: u32, epoch: u32) -> Value {
    map([
        ("binary_format_major_version", Value::Short(2)),
        ("binary_format_minor_version", Value::Short(0)),
        ("build_epoch", Value::Long(epoch.into())),
        ("database_type", text("Test")),
        ("description", map([])),
        ("ip_version", Value::Short(6)),
        ("languages", Value::NoItems),
        ("node_count", Value::Number(nodes)),
        ("record_size", Value::Short(32)),
    ])
}

fn encode(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => {
            control(2, text.len(), out);
            out.extend(text.as_bytes());
        }
        Value::Number(number) => {
            control(6, 4, out);
            out.extend(number.to_be_bytes());
        }
        Value::Short(number) => {
            control(5, 2, out);
            out.extend(number.to_be_bytes());
        }
        // Extended types: their number less seven in a byte of its own.
        Value::Long(number) => {
            out.extend([8, 9 - 7]);
            out.extend(number.to_be_bytes());
        }
        Value::NoItems => out.extend([0, 11 - 7]),
        Value::Map(fields) => {
            control(7, fields.len(), out);
            for (name, value) in fields {
                encode(&Value::Text(name.clone()), out);
                encode(value, out);
            }
        }
    }
}

fn control(kind: u8, size: usize, out: &mut Vec<u8>) {
    match size {
        0..29 => out.push(kind << 5 | u8::try_from(size).unwrap()),
        29..285 => out.extend([kind << 5 | 0x1d, u8::try_from(size - 29).unwrap()]),
        _ => panic!("too long for a tiny database"),
    }
}
