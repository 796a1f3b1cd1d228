//! The operator in the world: what it costs, what goes wrong around it, and the machinery that tries that.

/// A third of what a run takes is the making and dropping of JSON.
#[cfg(test)]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(test)]
mod costs;
#[cfg(test)]
mod explore;
#[cfg(test)]
mod native_objects;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod sweep;
