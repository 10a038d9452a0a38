//! Sends on their way: to the receiver, and back to the process that began them, if it lives.

use ringback_core::delivery::Attempt;
use ringback_core::engine::{Input, Send, Sent};
use ringback_core::store::Store;

use crate::Broken;
use crate::ledger::Present;
use crate::receivers::{Exchange, way_us};
use crate::time::MS;
use crate::world::{Happening, World};

/// A send on its way.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) generation: u64,
    pub(crate) send: Send,
    pub(crate) began_wall_ms: i64,
    pub(crate) exchange: Option<Exchange>,
}

impl World<'_> {
    /// The engine wants something sent.
    pub(crate) fn send(&mut self, present: Present, send: Send) -> Result<(), Broken> {
        self.trace(|| {
            format!(
                "send {} n {} to {}",
                send.delivery, send.n, send.endpoint.settings.url
            )
        });
        let mut reader = self.model.reader().map_err(|error| Broken::of(&error))?;
        self.check_late(present, send.endpoint.id, send.delivery, reader.as_mut())?;
        self.check_hold(&send, reader.as_mut())?;
        self.ledger.begins(present, &send, reader.as_mut())?;
        self.flight += 1;
        let at = self.clocks.boot_us + way_us(&mut self.random);
        self.agenda.add(at, Happening::Arrive(self.flight));
        self.flights.insert(
            self.flight,
            Flight {
                generation: present.generation,
                send,
                began_wall_ms: self.clocks.wall_ms(),
                exchange: None,
            },
        );
        Ok(())
    }

    /// A request reaches its receiver.
    pub(crate) fn arrive(&mut self, flight_id: u64) {
        let Some(flight) = self.flights.get_mut(&flight_id) else {
            return;
        };
        let (send, settings) = (&flight.send, &flight.send.endpoint.settings);
        let Some(receiver) = self.receivers.get_mut(&settings.url) else {
            return;
        };
        let request = (send.delivery, send.event_id, send.n);
        let exchange = receiver.exchange(&mut self.random, self.clocks.boot_us, settings, request);
        flight.exchange = Some(exchange);
        self.agenda
            .add(self.clocks.boot_us + exchange.takes_us, Happening::End(flight_id));
    }

    /// A send ends. The process that began it hears of it, if it lives.
    pub(crate) fn end(&mut self, flight_id: u64) -> Result<(), Broken> {
        let Some(flight) = self.flights.remove(&flight_id) else {
            return Ok(());
        };
        let (Some(present), Some(exchange)) = (self.present(), flight.exchange) else {
            return Ok(());
        };
        if present.generation != flight.generation {
            return Ok(());
        }
        let id = flight.send.delivery;
        self.trace(|| format!("end {id} {:?} {:?}", exchange.outcome, exchange.status));
        self.ledger
            .ends(present, id, exchange.outcome, exchange.retry_after_ms);
        let sent = Sent {
            endpoint: flight.send.endpoint.id,
            delivery: id,
            attempt: Attempt {
                n: flight.send.n,
                started_wall_ms: flight.began_wall_ms,
                duration_ms: u32::try_from(exchange.takes_us / MS).unwrap_or(u32::MAX),
                outcome: exchange.outcome,
                status: exchange.status,
                address: None,
                detail: None,
                body_start: bytes::Bytes::new(),
            },
            retry_after_ms: exchange.retry_after_ms,
            random: self.random.fraction(),
        };
        self.tell(Input::Sent(Box::new(sent)));
        self.pump()
    }
}
