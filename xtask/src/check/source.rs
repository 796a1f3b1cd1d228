//! The modules of a crate as its source has them: what each defines, imports and names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// A crate.
#[derive(Debug, Default)]
pub(super) struct Crate {
    pub(super) files: Vec<PathBuf>,
    /// The first one is the root.
    pub(super) modules: Vec<Module>,
    pub(super) mentions: Vec<Mention>,
}

/// A module, in a file of its own or inside another one's.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Index of its file.
    pub(super) file: usize,
    pub(super) parent: Option<usize>,
    pub(super) children: BTreeMap<String, usize>,
    /// What it defines.
    pub(super) items: BTreeSet<String>,
    /// What it brings into its scope by a `use`, by the name that it has there.
    pub(super) names: BTreeMap<String, Vec<String>>,
    /// Modules all of whose names it brings into its scope.
    pub(super) globs: Vec<Vec<String>>,
}

/// A path in a `use`, or in code.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) module: usize,
    pub(super) path: Vec<String>,
    pub(super) line: usize,
    pub(super) of: Of,
}

/// What a path stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Item,
    /// `use path::*`.
    Glob,
}

type Read<'a> = &'a dyn Fn(&Path) -> anyhow::Result<Option<String>>;

impl Crate {
    pub(super) fn read(root: &Path, read: Read<'_>) -> anyhow::Result<Self> {
        let mut parsed = Self::default();
        let text = read(root)?.with_context(|| format!("{} is not there", root.display()))?;
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        let module = parsed.add_module(None, 0);
        parsed.add_file(root.to_owned(), &text, module, &folder, read)?;
        Ok(parsed)
    }

    fn add_module(&mut self, parent: Option<usize>, file: usize) -> usize {
        self.modules.push(Module { file, parent, ..Module::default() });
        self.modules.len() - 1
    }

    /// Reads a file and those of its modules, which are in `folder`.
    fn add_file(
        &mut self,
        file: PathBuf,
        text: &str,
        module: usize,
        folder: &Path,
        read: Read<'_>,
    ) -> anyhow::Result<()> {
        let parsed =
            syn::parse_file(text).with_context(|| format!("failed to parse {}", file.display()))?;
        self.files.push(file);
        self.module_mut(module).file = self.files.len() - 1;
        let mut visitor =
            Visitor { of: self, module, folder: folder.to_owned(), outside: Vec::new() };
        visitor.items(&parsed.items);
        let outside = visitor.outside;
        for Outside { parent, name, folder } in outside {
            let candidates = [
                (folder.join(format!("{name}.rs")), folder.join(&name)),
                (folder.join(&name).join("mod.rs"), folder.join(&name)),
            ];
            for (file, folder) in candidates {
                if let Some(text) = read(&file)? {
                    let module = self.add_module(Some(parent), 0);
                    self.module_mut(parent).children.insert(name.clone(), module);
                    self.add_file(file, &text, module, &folder, read)?;
                }
            }
        }
        Ok(())
    }

    fn module_mut(&mut self, module: usize) -> &mut Module {
        self.modules.get_mut(module).expect("a module's index is that of a module")
    }
}

/// A module in a file of its own.
struct Outside {
    parent: usize,
    name: String,
    folder: PathBuf,
}

/// Reads one file.
struct Visitor<'c> {
    of: &'c mut Crate,
    module: usize,
    /// Where the files of the module's own modules are.
    folder: PathBuf,
    outside: Vec<Outside>,
}

impl Visitor<'_> {
    /// The items of a module: what they define, and what they say.
    fn items(&mut self, items: &[Item]) {
        for item in items {
            if let Some(name) = defined(item) {
                self.of.module_mut(self.module).items.insert(name);
            }
            self.visit_item(item);
        }
    }

    fn mention(&mut self, path: Vec<String>, line: usize, of: Of) {
        self.of.mentions.push(Mention { module: self.module, path, line, of });
    }

    fn import(&mut self, item: &ItemUse, tree: &UseTree, before: &[String]) {
        let mut path = before.to_vec();
        match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                self.import(item, &inner.tree, &path);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(item, tree, before);
                }
            }
            UseTree::Name(name) => {
                if name.ident != "self" {
                    path.push(name.ident.to_string());
                }
                let called = path.last().cloned().unwrap_or_default();
                self.name(item, called, path, name.ident.span().start().line);
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    path.push(rename.ident.to_string());
                }
                let line = rename.ident.span().start().line;
                self.name(item, rename.rename.to_string(), path, line);
            }
            UseTree::Glob(glob) => {
                self.of.module_mut(self.module).globs.push(path.clone());
                if is_private(item) {
                    self.mention(path, glob.star_token.spans[0].start().line, Of::Glob);
                }
            }
        }
    }

    fn name(&mut self, item: &ItemUse, called: String, path: Vec<String>, line: usize) {
        self.of.module_mut(self.module).names.insert(called, path.clone());
        if is_private(item) {
            self.mention(path, line, Of::Item);
        }
    }

    /// The paths in the arguments of a macro, which are not parsed: names between `::`.
    fn tokens(&mut self, tokens: &TokenStream) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Group(group) => self.tokens(&group.stream()),
                TokenTree::Ident(first) => {
                    let is_member = at >= 2 && is_punct(tokens.get(at - 2), '.');
                    let mut path = vec![first.to_string()];
                    while is_punct(tokens.get(at), ':')
                        && is_punct(tokens.get(at + 1), ':')
                        && let Some(TokenTree::Ident(next)) = tokens.get(at + 2)
                    {
                        path.push(next.to_string());
                        at += 3;
                    }
                    if !is_member {
                        self.mention(path, first.span().start().line, Of::Item);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !attributes(item).iter().any(is_for_tests) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !item.attrs.iter().any(is_for_tests) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let name = item.ident.to_string();
        let Some((_, items)) = &item.content else {
            let (parent, folder) = (self.module, self.folder.clone());
            self.outside.push(Outside { parent, name, folder });
            return;
        };
        let file = self.of.module_mut(self.module).file;
        let inner = self.of.add_module(Some(self.module), file);
        self.of.module_mut(self.module).children.insert(name.clone(), inner);
        let folder = self.folder.join(&name);
        let outer = (self.module, std::mem::replace(&mut self.folder, folder));
        self.module = inner;
        self.items(items);
        (self.module, self.folder) = outer;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.import(item, &item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none()
            && let Some(first) = path.segments.first()
        {
            let line = first.ident.span().start().line;
            let names = path.segments.iter().map(|segment| segment.ident.to_string());
            self.mention(names.collect(), line, Of::Item);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, macro_: &'ast syn::Macro) {
        visit::visit_path(self, &macro_.path);
        self.tokens(&macro_.tokens);
    }

    /// `pub(in path)` names a place and imports nothing, and attributes are the compiler's.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}

fn is_private(item: &ItemUse) -> bool {
    matches!(item.vis, Visibility::Inherited)
}

fn is_punct(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == punct)
}

/// `#[cfg(test)]`, alone or together with something else, and `#[test]`.
pub(super) fn is_for_tests(attribute: &Attribute) -> bool {
    if attribute.path().is_ident("test") {
        return true;
    }
    attribute.path().is_ident("cfg")
        && attribute.meta.require_list().is_ok_and(|list| {
            let text = list.tokens.to_string();
            text == "test" || text.replace(' ', "").starts_with("all(test")
        })
}

/// The name of what an item defines.
fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
