//! Who watches a run: bars on a terminal, lines elsewhere, JSON for programs.

use std::{io::IsTerminal, sync::Arc};

use keywheel::engine::{EngineEvent, Observer};

use crate::{
    args::Output,
    run::{bars::Bars, events::Events, lines::Lines},
};

/// One of the displays.
pub(crate) enum Watch {
    /// On a terminal.
    Bars(Bars),
    /// In a log.
    Lines(Lines),
    /// For a program.
    Events(Events),
}

impl Watch {
    /// The display that fits where the output goes.
    pub(crate) fn new(output: Output) -> Arc<Self> {
        Arc::new(match output {
            Output::Json => Self::Events(Events),
            Output::Text if std::io::stderr().is_terminal() => Self::Bars(Bars::new()),
            Output::Text => Self::Lines(Lines::default()),
        })
    }

    /// `total` items follow.
    pub(crate) fn begin(&self, total: usize) {
        match self {
            Self::Bars(bars) => bars.begin(total),
            Self::Lines(lines) => lines.begin(total),
            Self::Events(_) => {}
        }
    }

    /// Nothing follows.
    pub(crate) fn end(&self) {
        match self {
            Self::Bars(bars) => bars.clear(),
            Self::Lines(_) | Self::Events(_) => {}
        }
    }
}

impl Observer for Watch {
    fn on(&self, event: &EngineEvent<'_>) {
        match self {
            Self::Bars(bars) => bars.on(event),
            Self::Lines(lines) => lines.on(event),
            Self::Events(events) => events.on(event),
        }
    }
}
