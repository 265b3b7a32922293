//! What a consumer shows of the versions that it uses, and what that means for a notice: the same words and the same
//! judgement for a file, a command and an HTTP answer.

mod pointer;
mod sight;
pub mod text;

pub use pointer::Pointer;
pub use sight::Sight;
