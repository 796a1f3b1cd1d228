//! Fields of a status that one file of core writes, so that there is one place that says what they mean.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Expr, Member};

use super::Fault;
use super::source::is_for_tests;
use crate::workspace;

/// Where a field may be written in one file only.
struct Rule {
    folder: &'static str,
    field: &'static str,
}

const RULES: &[Rule] =
    &[Rule { folder: "crates/flink-operator-core/src", field: "upgrade_savepoint_path" }];

/// Methods that change the `Option` on which they are called.
const CHANGES: &[&str] =
    &["clone_from", "get_or_insert", "get_or_insert_with", "insert", "replace", "take"];

pub fn faults() -> anyhow::Result<Vec<Fault>> {
    let files = workspace::files()?;
    let mut faults = Vec::new();
    for Rule { folder, field } in RULES {
        let is_production = |file: &&PathBuf| {
            file.starts_with(folder)
                && file.extension().is_some_and(|extension| extension == "rs")
                && !file.iter().any(|part| part == "tests" || part == "tests.rs")
        };
        let mut writers = Vec::new();
        for file in files.iter().filter(is_production) {
            let text = std::fs::read_to_string(workspace::root().join(file))
                .with_context(|| format!("failed to read {}", file.display()))?;
            writers.push((file.clone(), writes(file, &text, field)?));
        }
        faults.extend(fault(field, &writers));
    }
    Ok(faults)
}

/// A field that more than one file writes, and where.
fn fault(field: &str, writers: &[(PathBuf, Vec<usize>)]) -> Option<Fault> {
    let mut writers = writers.iter().filter(|(_, lines)| !lines.is_empty());
    let (first, _) = writers.next()?;
    let others: Vec<String> = writers
        .flat_map(|(file, lines)| lines.iter().map(|line| format!("{}:{line}", file.display())))
        .collect();
    let what = format!("{field} is written here and in {}", others.join(", "));
    (!others.is_empty()).then(|| Fault::new(first.display(), what))
}

/// The lines of a file in which a field with this name is written.
fn writes(file: &Path, text: &str, field: &str) -> anyhow::Result<Vec<usize>> {
    let parsed =
        syn::parse_file(text).with_context(|| format!("failed to parse {}", file.display()))?;
    let mut visitor = Visitor { field, lines: Vec::new() };
    visitor.visit_file(&parsed);
    Ok(visitor.lines)
}

struct Visitor<'f> {
    field: &'f str,
    lines: Vec<usize>,
}

impl Visitor<'_> {
    fn is_field(&self, expression: &Expr) -> bool {
        matches!(expression, Expr::Field(field) if self.is_named(&field.member))
    }

    fn is_named(&self, member: &Member) -> bool {
        matches!(member, Member::Named(name) if name == self.field)
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !item.attrs.iter().any(is_for_tests) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        if self.is_field(&assign.left) {
            self.lines.push(assign.left.span().start().line);
        }
        visit::visit_expr_assign(self, assign);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if self.is_field(&call.receiver) && CHANGES.iter().any(|method| call.method == method) {
            self.lines.push(call.method.span().start().line);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_reference(&mut self, reference: &'ast syn::ExprReference) {
        if reference.mutability.is_some() && self.is_field(&reference.expr) {
            self.lines.push(reference.expr.span().start().line);
        }
        visit::visit_expr_reference(self, reference);
    }

    fn visit_field_value(&mut self, value: &'ast syn::FieldValue) {
        if self.is_named(&value.member) {
            self.lines.push(value.member.span().start().line);
        }
        visit::visit_field_value(self, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        assert_eq!(writes(Path::new("a.rs"), text, "path").unwrap(), expected, "{text}");
    }

    #[test]
    fn every_way_to_write_a_field_is_found() {
        check("fn f() {\n    a.b.path = None;\n}", &[2]);
        check("fn f() { a.path.clone_from(&other.path); }", &[1]);
        check("fn f() { let old = a.path.take(); }", &[1]);
        check("fn f() { g(&mut a.path); }", &[1]);
        check("fn f() -> A { A { path: None, ..A::default() } }", &[1]);
    }

    #[test]
    fn reading_is_no_writing() {
        check("fn f() -> bool { a.path.is_none() && a.path.clone() == g(&a.path) }", &[]);
        check("fn f() { let path = 1; path2 = a.path; }", &[]);
        check("#[cfg(test)]\nmod tests { fn f() { a.path = 1; } }", &[]);
    }

    #[test]
    fn second_file_is_a_fault() {
        let writers = |lines: [&[usize]; 2]| {
            let [one, two] = lines.map(<[usize]>::to_vec);
            [(PathBuf::from("a.rs"), one), (PathBuf::from("b.rs"), two)]
        };
        assert_eq!(fault("path", &writers([&[1, 2], &[]])), None);
        let fault = fault("path", &writers([&[1], &[3, 4]])).map(|fault| fault.to_string());
        assert_eq!(fault.as_deref(), Some("a.rs: path is written here and in b.rs:3, b.rs:4"));
    }
}
