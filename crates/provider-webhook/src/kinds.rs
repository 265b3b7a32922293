//! The rows of this provider: what the inventory may write below `consumers` and `notices`.

use std::sync::Arc;

use keywheel_core::provider::{Channel, Consumer, Declaration, Kind, Mistake, Surroundings, kind};

use crate::{
    channel::{SignedSettings, SlackSettings},
    consumer::HttpSettings,
};

/// The kind `http` of consumers.
pub fn consumers() -> Vec<Arc<dyn Kind<dyn Consumer>>> {
    vec![kind::<_, HttpSettings>()]
}

/// The kinds `slack` and `webhook` of notices.
pub fn channels() -> Vec<Arc<dyn Kind<dyn Channel>>> {
    vec![kind::<_, SlackSettings>(), kind::<_, SignedSettings>()]
}

impl Declaration<dyn Channel> for SlackSettings {
    const KIND: &'static str = "slack";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Channel>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)))
    }
}

impl Declaration<dyn Channel> for SignedSettings {
    const KIND: &'static str = "webhook";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Channel>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}

impl Declaration<dyn Consumer> for HttpSettings {
    const KIND: &'static str = "http";

    fn declare(self, surroundings: &Surroundings) -> Result<Arc<dyn Consumer>, Vec<Mistake>> {
        Ok(Arc::new(self.resolve(surroundings)?))
    }
}
