//! Macros for two kinds of types: enums that keep unknown values, and kinds of resources.

/// Declares an enum whose variants are strings in JSON, and that keeps any other string.
///
/// A value that a newer version introduced must not make a resource unreadable, nor the whole list
/// that contains it. So it is kept as text and written back unchanged. The schema lists the known
/// values only: the API server refuses the others wherever upstream's schema does.
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
            /// A value that this version does not know, kept as it was written.
            Unrecognised(String),
        }

        impl $name {
            /// The values that this version knows, in the order of declaration.
            pub const KNOWN: &'static [&'static str] = &[$( $text ),+];

            /// The value as it is in JSON.
            pub fn as_str(&self) -> &str {
                match self {
                    $( Self::$variant => $text, )+
                    Self::Unrecognised(text) => text,
                }
            }

            /// Reads the value as it is in JSON. It never fails: see [`Self::Unrecognised`].
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

        #[cfg(feature = "schema")]
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
/// An object without a `spec`, such as a canary resource, reads as one with an empty spec. `status`
/// is `None` until it is written for the first time.
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
            /// Written by the operator. Absent until the operator has handled the object.
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

        #[cfg(feature = "schema")]
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

        #[cfg(feature = "schema")]
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
