//! The built-in types, from the table in `data/`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::{Field, Key, List, MapOf, Merged, Struct, Type, Written};

pub static TABLE: LazyLock<HashMap<String, Arc<Type>>> =
    LazyLock::new(|| read(include_str!("../../../data/kubernetes-types.txt")));

/// The built-in type of this name.
///
/// # Panics
///
/// The table has no such type: names of types are constants of this crate.
pub fn builtin(name: &str) -> Arc<Type> {
    let found = TABLE.get(name).cloned();
    found.expect("every name that the crate asks for is in the table: a test reads them all")
}

struct Reader<'a> {
    /// Lines of fields and the flag `atomic`, by name of the type.
    lines: BTreeMap<&'a str, (bool, Vec<&'a str>)>,
    done: HashMap<String, Arc<Type>>,
}

fn read(text: &str) -> HashMap<String, Arc<Type>> {
    let mut lines: BTreeMap<&str, (bool, Vec<&str>)> = BTreeMap::new();
    let mut current = "";
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(field) = line.strip_prefix("  ") {
            lines.entry(current).or_default().1.push(field);
        } else {
            let (name, atomic) = match line.strip_suffix(" atomic") {
                Some(name) => (name, true),
                None => (line, false),
            };
            current = name;
            lines.entry(name).or_default().0 = atomic;
        }
    }
    let names: Vec<&str> = lines.keys().copied().collect();
    let mut reader = Reader { lines, done: HashMap::new() };
    for name in names {
        reader.named(name);
    }
    reader.done
}

impl Reader<'_> {
    fn named(&mut self, name: &str) -> Arc<Type> {
        if let Some(done) = self.done.get(name) {
            return Arc::clone(done);
        }
        let (atomic, lines) = self.lines.get(name).cloned().unwrap_or_default();
        let mut ty = Struct {
            name: name.to_owned(),
            fields: BTreeMap::new(),
            order: Vec::new(),
            atomic,
            open: false,
        };
        for line in lines {
            let (name, rest) = line.split_once(' ').unwrap_or((line, "string"));
            let (name, written) =
                [('!', Written::Always), ('*', Written::AlwaysOrNull), ('?', Written::WhenGiven)]
                    .into_iter()
                    .find_map(|(flag, written)| Some((name.strip_suffix(flag)?, written)))
                    .unwrap_or((name, Written::WhenNotEmpty));
            ty.order.push(name.to_owned());
            ty.fields.insert(name.to_owned(), Field { ty: self.of(rest), written });
        }
        let ty = Arc::new(Type::Struct(ty));
        self.done.insert(name.to_owned(), Arc::clone(&ty));
        ty
    }

    fn of(&mut self, text: &str) -> Arc<Type> {
        if let Some((head, items)) = text.split_once(' ') {
            let items = self.of(items);
            return Arc::new(match head {
                "map" => Type::Map(MapOf { values: items, atomic: false }),
                "atomic-map" => Type::Map(MapOf { values: items, atomic: true }),
                "set" => Type::List(List { items, merged: Merged::ByValue }),
                "list" => Type::List(List { items, merged: Merged::Whole }),
                keys => Type::List(List { items, merged: Merged::ByKeys(read_keys(keys)) }),
            });
        }
        Arc::new(match text {
            "string" => Type::String,
            "int32" => Type::Integer { bits: 32 },
            "int64" => Type::Integer { bits: 64 },
            "bool" => Type::Boolean,
            "bytes" => Type::Bytes,
            "time" => Type::Time,
            "microtime" => Type::MicroTime,
            "quantity" => Type::Quantity,
            "int-or-string" => Type::IntOrString,
            "any" => Type::Any,
            name => return self.named(name),
        })
    }
}

/// Reads `list(a,b=x)`.
fn read_keys(text: &str) -> Vec<Key> {
    let inner = text.trim_start_matches("list(").trim_end_matches(')');
    let key = |part: &str| match part.split_once('=') {
        Some((name, default)) => Key { name: name.to_owned(), default: Some(Value::from(default)) },
        None => Key { name: part.to_owned(), default: None },
    };
    inner.split(',').map(key).collect()
}
