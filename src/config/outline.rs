//! Where the statements, values and headers of a document stand.

use std::ops::Range;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// How deep tables are followed; what is deeper is no configuration.
const DEEPEST: usize = 32;

/// Where the statements, values and headers of a document stand, each kind in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Outline {
    statements: Vec<Statement>,
    leaves: Vec<Leaf>,
    headers: Vec<(usize, Rc<str>)>,
}

/// `key = value`.
#[derive(Debug)]
pub(super) struct Statement {
    /// Where the key begins.
    pub(super) key: usize,
    /// Where the value stands.
    pub(super) value: Range<usize>,
    /// The key with the sections around it.
    pub(super) path: Rc<str>,
    /// The key itself.
    pub(super) name: String,
}

/// A value that has no parts.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Where it stands.
    pub(super) span: Range<usize>,
    /// Its key with the sections around it.
    pub(super) path: Rc<str>,
}

impl Outline {
    /// The outline of a document.
    pub(super) fn of(root: &DeTable<'_>) -> Self {
        let mut outline = Self::default();
        outline.follow_table(root, "", DEEPEST);
        outline.statements.sort_by_key(|statement| statement.value.start);
        outline.leaves.sort_by_key(|leaf| leaf.span.start);
        outline.headers.sort();
        outline
    }

    /// The statement whose value `at` belongs to.
    pub(super) fn statement_at(&self, at: usize) -> Option<&Statement> {
        let next = self.statements.partition_point(|statement| statement.value.start <= at);
        self.statements.get(next.checked_sub(1)?).filter(|statement| at <= statement.value.end)
    }

    /// The value without parts that `at` belongs to.
    pub(super) fn leaf_at(&self, at: usize) -> Option<&Leaf> {
        let next = self.leaves.partition_point(|leaf| leaf.span.start <= at);
        self.leaves.get(next.checked_sub(1)?).filter(|leaf| at <= leaf.span.end)
    }

    /// The section that `at` belongs to; `None` for the root.
    pub(super) fn section_at(&self, at: usize) -> Option<&str> {
        let next = self.headers.partition_point(|(begin, _)| *begin <= at);
        self.headers.get(next.checked_sub(1)?).map(|(_, path)| &**path)
    }

    /// Where the headers begin, in the order of the text.
    pub(super) fn into_headers(self) -> Vec<usize> {
        self.headers.into_iter().map(|(begin, _)| begin).collect()
    }

    fn follow_table(&mut self, table: &DeTable<'_>, path: &str, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for (key, value) in table {
            let name: &str = key.get_ref();
            let path: Rc<str> = if path.is_empty() { name.into() } else { format!("{path}.{name}").into() };
            if value.span().start >= key.span().end && value.span() != key.span() {
                self.follow_value(value, &path, depth);
                let (key, name) = (key.span().start, name.to_owned());
                self.statements.push(Statement { key, value: value.span(), path, name });
                continue;
            }
            let elements = value.get_ref().as_array().into_iter().flat_map(|array| array.iter());
            for part in std::iter::once(value).chain(elements) {
                let Some(table) = part.get_ref().as_table() else { continue };
                // A table that only `a.b = …` or `[a.b]` implies has no header of its own.
                if part.span().start < key.span().start || part.span().start > key.span().end {
                    self.headers.push((part.span().start, Rc::clone(&path)));
                }
                self.follow_table(table, &path, depth);
            }
        }
    }

    fn follow_value(&mut self, value: &Spanned<DeValue<'_>>, path: &Rc<str>, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        if let Some(elements) = value.get_ref().as_array() {
            elements.iter().for_each(|element| self.follow_value(element, path, depth));
        } else if let Some(table) = value.get_ref().as_table() {
            for (key, value) in table {
                self.follow_value(value, &format!("{path}.{}", key.get_ref()).into(), depth);
            }
        } else {
            self.leaves.push(Leaf { span: value.span(), path: Rc::clone(path) });
        }
    }
}
