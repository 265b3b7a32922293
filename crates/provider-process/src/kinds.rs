//! The rows of this provider: what the inventory may write below `consumers`.

use std::sync::Arc;

use keywheel_core::provider::{Consumer, Declaration, Kind, Mistake, Surroundings, kind};

use crate::{command::CommandSettings, compose::ComposeSettings, signal::SignalSettings};

/// The kinds `signal`, `command` and `compose`.
pub fn kinds() -> Vec<Arc<dyn Kind<dyn Consumer>>> {
    vec![kind::<_, SignalSettings>(), kind::<_, CommandSettings>(), kind::<_, ComposeSettings>()]
}

impl Declaration<dyn Consumer> for SignalSettings {
    const KIND: &'static str = "signal";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Consumer>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}

impl Declaration<dyn Consumer> for CommandSettings {
    const KIND: &'static str = "command";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Consumer>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}

impl Declaration<dyn Consumer> for ComposeSettings {
    const KIND: &'static str = "compose";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Consumer>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}
