//! Fields of a status that one file of core writes, so that there is one place that says what they mean.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Expr, FnArg, Member, Pat, Type};

use super::Fault;
use super::source::is_for_tests;
use crate::workspace;

/// Where a field may be written in one file only.
struct Rule {
    folder: &'static str,
    field: &'static str,
    of: Of,
}

/// Whose field a rule is about.
#[derive(Clone, Copy, Debug)]
enum Of {
    /// Anybody's: no other type has a field of that name.
    Any,
    /// That of a value of this type, which is in a field of this name.
    Type { type_: &'static str, in_field: &'static str },
}

const CORE: &str = "crates/flink-operator-core/src";
const JOB_STATUS: Of = Of::Type { type_: "JobStatus", in_field: "job_status" };

const RULES: &[Rule] = &[
    Rule { folder: CORE, field: "upgrade_savepoint_path", of: Of::Any },
    Rule { folder: CORE, field: "job_id", of: JOB_STATUS },
    Rule { folder: CORE, field: "job_name", of: JOB_STATUS },
    Rule { folder: CORE, field: "start_time", of: JOB_STATUS },
    Rule { folder: CORE, field: "update_time", of: JOB_STATUS },
    Rule { folder: CORE, field: "state", of: JOB_STATUS },
];

/// Methods that change the `Option` on which they are called.
const CHANGES: &[&str] =
    &["clone_from", "get_or_insert", "get_or_insert_with", "insert", "replace", "take"];

pub fn faults() -> anyhow::Result<Vec<Fault>> {
    let files = workspace::files()?;
    let mut faults = Vec::new();
    for Rule { folder, field, of } in RULES {
        let is_production = |file: &&PathBuf| {
            file.starts_with(folder)
                && file.extension().is_some_and(|extension| extension == "rs")
                && !file.iter().any(|part| part == "tests" || part == "tests.rs")
        };
        let mut writers = Vec::new();
        for file in files.iter().filter(is_production) {
            let text = std::fs::read_to_string(workspace::root().join(file))
                .with_context(|| format!("failed to read {}", file.display()))?;
            writers.push((file.clone(), writes(file, &text, field, *of)?));
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
fn writes(file: &Path, text: &str, field: &str, of: Of) -> anyhow::Result<Vec<usize>> {
    let parsed =
        syn::parse_file(text).with_context(|| format!("failed to parse {}", file.display()))?;
    let mut visitor = Visitor { field, of, names: BTreeSet::new(), lines: Vec::new() };
    visitor.visit_file(&parsed);
    Ok(visitor.lines)
}

struct Visitor<'f> {
    field: &'f str,
    of: Of,
    /// Variables and parameters of the function that borrow a value of the rule's type mutably.
    names: BTreeSet<String>,
    lines: Vec<usize>,
}

impl Visitor<'_> {
    fn is_field(&self, expression: &Expr) -> bool {
        let Expr::Field(field) = expression else { return false };
        self.is_named(&field.member) && self.is_owner(&field.base)
    }

    /// Whether the expression is a value whose field the rule is about.
    fn is_owner(&self, expression: &Expr) -> bool {
        let Of::Type { in_field, .. } = self.of else { return true };
        match expression {
            Expr::Field(field) => matches!(&field.member, Member::Named(name) if name == in_field),
            Expr::Path(path) => {
                path.path.get_ident().is_some_and(|name| self.names.contains(&name.to_string()))
            }
            Expr::Paren(inner) => self.is_owner(&inner.expr),
            _ => false,
        }
    }

    /// Whether the type is a mutable reference to the rule's type.
    fn is_reference(&self, type_: &Type) -> bool {
        let (Of::Type { type_: wanted, .. }, Type::Reference(reference)) = (self.of, type_) else {
            return false;
        };
        let Type::Path(path) = &*reference.elem else { return false };
        reference.mutability.is_some()
            && path.path.segments.last().is_some_and(|segment| segment.ident == wanted)
    }

    fn add_name(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Ident(name) => {
                self.names.insert(name.ident.to_string());
            }
            Pat::Type(typed) => self.add_name(&typed.pat),
            _ => {}
        }
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

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.names.clear();
        for input in &signature.inputs {
            if let FnArg::Typed(typed) = input
                && self.is_reference(&typed.ty)
            {
                self.add_name(&typed.pat);
            }
        }
        visit::visit_signature(self, signature);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init
            && let Expr::Reference(reference) = &*init.expr
            && reference.mutability.is_some()
            && matches!(self.of, Of::Type { .. })
            && self.is_owner(&reference.expr)
        {
            self.add_name(&local.pat);
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_struct(&mut self, literal: &'ast syn::ExprStruct) {
        let name = literal.path.segments.last().map(|segment| segment.ident.to_string());
        let counts = match self.of {
            Of::Any => true,
            Of::Type { type_, .. } => name.as_deref() == Some(type_),
        };
        for value in &literal.fields {
            if counts && self.is_named(&value.member) {
                self.lines.push(value.member.span().start().line);
            }
        }
        visit::visit_expr_struct(self, literal);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        assert_eq!(writes(Path::new("a.rs"), text, "path", Of::Any).unwrap(), expected, "{text}");
    }

    #[track_caller]
    fn check_of(text: &str, expected: &[usize]) {
        let of = Of::Type { type_: "Job", in_field: "job" };
        assert_eq!(writes(Path::new("a.rs"), text, "state", of).unwrap(), expected, "{text}");
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
    fn field_of_one_type_is_found_whatever_its_variable_is_called() {
        check_of("fn f() { status.job.state = None; }", &[1]);
        check_of("fn f() {\n    let one = &mut status.job;\n    one.state = None;\n}", &[3]);
        check_of("fn f(one: &mut api::Job) { one.state.take(); }", &[1]);
        check_of("fn f() -> Job { Job { state: None, ..Job::default() } }", &[1]);
    }

    #[test]
    fn field_of_the_same_name_in_another_type_is_not_meant() {
        check_of("fn f(spec: &mut Spec) { spec.state = None; status.record.state = None; }", &[]);
        check_of("fn f() -> Spec { Spec { state: None } }", &[]);
        check_of("fn f(job: &mut Job) {}\nfn g() { job.state = None; }", &[]);
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
