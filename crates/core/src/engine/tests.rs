//! Tests of the engine on virtual time: a rig performs its effects against a toy store, step by step or by itself.

mod changes;
mod gates;
mod paging;
mod random;
mod rig;
mod sending;
mod shares;
mod toy;
