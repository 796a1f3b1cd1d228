//! The two shapes that repeat: an open set of words, and a kind of resource.

/// Declares an enum whose variants have fixed words on the wire and that keeps any other word.
///
/// A word that a newer version introduced must not make a resource unreadable, least of all the
/// whole list that it is in, so it is carried as text and goes back as it came. The schema lists
/// the known words only: the API server refuses the others wherever upstream's schema does.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:literal ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )+
            /// A word that this version does not know, kept as it was written.
            Unrecognised(String),
        }

        impl $name {
            /// The words that this version knows, in the order of declaration.
            pub const KNOWN: &'static [&'static str] = &[$( $text ),+];

            /// The word as it is on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Unrecognised(text) => text,
                }
            }

            /// Reads the word as it is on the wire. Never fails: see [`Self::Unrecognised`].
            pub fn from_text(text: &str) -> Self {
                match text {
                    $( $text => Self::$variant, )+
                    other => Self::Unrecognised(other.to_owned()),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str> as ::serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from_text(&text))
            }
        }

        impl ::schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                ::schemars::json_schema!({ "type": "string", "enum": Self::KNOWN })
            }
        }
    };
}

/// Declares a kind of resource: the object, how it reads and writes, and its place in the API.
///
/// An object without a `spec` reads as one with a spec that sets nothing: canary resources have
/// none. `status` is `None` until someone wrote it.
macro_rules! kind {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            spec: $spec:ident,
            status: $status:ident,
            plural: $plural:literal,
            singular: $singular:literal,
            short_name: $short_name:literal,
            columns: $columns:expr,
            scale: $scale:literal $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, ::serde::Deserialize)]
        pub struct $name {
            /// Standard metadata of the object.
            pub metadata: ::kube::core::ObjectMeta,
            /// What the user wants.
            #[serde(default, deserialize_with = "crate::tolerant::null_as_default")]
            pub spec: $spec,
            /// What the operator recorded and saw. Absent until the operator handled the object.
            #[serde(default)]
            pub status: Option<$status>,
        }

        impl $name {
            /// A new object without status.
            pub fn new(name: &str, spec: $spec) -> Self {
                let metadata = ::kube::core::ObjectMeta {
                    name: Some(name.to_owned()),
                    ..Default::default()
                };
                Self { metadata, spec, status: None }
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use ::serde::ser::SerializeStruct;
                let fields = 4 + usize::from(self.status.is_some());
                let mut object = serializer.serialize_struct(stringify!($name), fields)?;
                object.serialize_field("apiVersion", crate::names::API_VERSION)?;
                object.serialize_field("kind", stringify!($name))?;
                object.serialize_field("metadata", &self.metadata)?;
                object.serialize_field("spec", &self.spec)?;
                match &self.status {
                    Some(status) => object.serialize_field("status", status)?,
                    None => object.skip_field("status")?,
                }
                object.end()
            }
        }

        impl ::kube::core::Resource for $name {
            type DynamicType = ();
            type Scope = ::kube::core::NamespaceResourceScope;

            fn kind((): &()) -> ::std::borrow::Cow<'_, str> {
                stringify!($name).into()
            }

            fn group((): &()) -> ::std::borrow::Cow<'_, str> {
                crate::names::GROUP.into()
            }

            fn version((): &()) -> ::std::borrow::Cow<'_, str> {
                crate::names::VERSION.into()
            }

            fn plural((): &()) -> ::std::borrow::Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &::kube::core::ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ::kube::core::ObjectMeta {
                &mut self.metadata
            }
        }

        impl $name {
            const KIND: crate::schema::Kind = crate::schema::Kind {
                name: stringify!($name),
                plural: $plural,
                singular: $singular,
                short_name: $short_name,
                description: concat!($($doc),*),
                columns: &$columns,
                scale: $scale,
            };
        }

        impl ::kube::core::CustomResourceExt for $name {
            fn crd() -> ::k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition {
                crate::schema::definition::<$spec, $status>(&Self::KIND)
            }

            fn crd_name() -> &'static str {
                concat!($plural, ".flink.apache.org")
            }

            fn api_resource() -> ::kube::core::ApiResource {
                ::kube::core::ApiResource::erase::<Self>(&())
            }

            fn shortnames() -> &'static [&'static str] {
                &[$short_name]
            }
        }

        impl ::kube::core::object::HasSpec for $name {
            type Spec = $spec;

            fn spec(&self) -> &$spec {
                &self.spec
            }

            fn spec_mut(&mut self) -> &mut $spec {
                &mut self.spec
            }
        }

        impl ::kube::core::object::HasStatus for $name {
            type Status = $status;

            fn status(&self) -> Option<&$status> {
                self.status.as_ref()
            }

            fn status_mut(&mut self) -> &mut Option<$status> {
                &mut self.status
            }
        }
    };
}
