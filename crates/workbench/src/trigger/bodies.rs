//! The bodies of a run of `trigger`, one after another.

use std::borrow::Cow;

use bytes::Bytes;
use ringback_contract::intake::{Signing, Stamp};
use ringback_contract::kind::Kind;
use ringback_contract::samples;
use ringback_server::random;

use super::{Options, Source, TriggerError};
use crate::generator::{Generator, Setup};
use crate::sample::{Today, enveloped, id_path, place, published, put, render};
use crate::shape::Shape;
use crate::tree::Tree;

/// Ids of templates begin at a random one from here on, within 32 bits.
const FIRST_ID: i64 = 1_000_000_000;

/// One body.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) kind: Kind,
    /// The template that it is of, where it is of one.
    pub(super) template: Option<Cow<'static, str>>,
    pub(super) bytes: Bytes,
}

/// Makes the bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    kind: Kind,
    options: Options,
    generator: Generator,
    /// How many will be asked for.
    count: u32,
    made: u32,
    first_id: i64,
}

impl Bodies {
    /// For `count` callbacks of this kind. The first is made at once, so that a mistake in what is set shows before
    /// anything is sent.
    pub(super) fn new(kind: Kind, options: &Options, count: u32) -> Result<Self, TriggerError> {
        let seed = match options.source {
            Source::Generated(seed) => seed,
            Source::Sample | Source::Templates(_) => 0,
        };
        let setup = Setup {
            zone: options.zone.clone(),
            ..Setup::new(seed, options.company_id)
        };
        let random = i64::from(u32::from_le_bytes(random::bytes()));
        Ok(Self {
            kind,
            options: options.clone(),
            generator: Generator::new(setup),
            count,
            made: 0,
            first_id: FIRST_ID + random % FIRST_ID,
        })
    }

    /// The next one.
    pub(super) fn next(&mut self, wall_ms: i64) -> Result<Body, TriggerError> {
        let shape = match &self.options.source {
            Source::Templates(shapes) => self.turn(shapes),
            Source::Sample | Source::Generated(_) => None,
        };
        let intake = self.intake(shape, wall_ms)?;
        self.made += 1;
        let stamp = Stamp {
            accepted_ms: wall_ms,
            zone: &self.options.zone,
            form: self.options.date_time_form,
            signing: self.options.app.as_ref().map(|app| Signing {
                app_key: &app.key,
                app_secret: &app.secret,
            }),
        };
        let bytes = render(self.kind, &intake, &stamp, self.options.profile);
        Ok(Body {
            kind: self.kind,
            template: shape.map(Shape::name),
            bytes: bytes.map_err(TriggerError::Refused)?.into(),
        })
    }

    /// The shape whose turn it is.
    fn turn(&self, shapes: &[Shape]) -> Option<Shape> {
        let turn = usize::try_from(self.made).unwrap_or(0);
        shapes.get(turn % shapes.len().max(1)).copied()
    }

    /// What the robot would hand in.
    fn intake(&mut self, shape: Option<Shape>, wall_ms: i64) -> Result<String, TriggerError> {
        let as_published = match (self.options.source == Source::Sample, self.kind) {
            (false, _) | (true, Kind::Inbound) => None,
            (true, Kind::Call) => Some(samples::CALL),
            (true, Kind::Correction) => Some(samples::CORRECTION),
            (true, Kind::Job) => Some(samples::JOB),
        };
        if let Some(text) = as_published
            && self.count == 1
            && self.options.set.is_empty()
        {
            return Ok(text.to_owned());
        }
        let mut data = match shape {
            Some(shape) => self.template(shape, wall_ms)?,
            None if as_published.is_some() => self.sample(),
            None => self.generated(wall_ms)?,
        };
        for (path, value) in &self.options.set {
            data.set(path, value.clone())?;
        }
        Ok(enveloped(self.kind, &data.write()))
    }

    /// The sample; every further one with an id of its own, since it is another call or job.
    fn sample(&self) -> Tree {
        let mut data = published(self.kind);
        let id = data.get(&place(id_path(self.kind))).cloned();
        if let Some(Tree::Number(id)) = id
            && let Some(id) = id.as_i64()
        {
            put(&mut data, id_path(self.kind), (id + i64::from(self.made)).into());
        }
        data
    }

    fn generated(&mut self, wall_ms: i64) -> Result<Tree, TriggerError> {
        let generated = self.generator.callback(self.kind, wall_ms);
        let envelope = Tree::read(&generated.body).map_err(|_| TriggerError::Callback)?;
        let data = envelope.get(&place("data.data"));
        data.cloned().ok_or(TriggerError::Callback)
    }

    fn template(&self, shape: Shape, wall_ms: i64) -> Result<Tree, TriggerError> {
        let today = Today {
            company_id: self.options.company_id,
            zone: self.options.zone.clone(),
            wall_ms,
        };
        let id = self.first_id + 2 * i64::from(self.made);
        let ordinary = today.of_kind(self.kind, id);
        let none = || TriggerError::Template(shape.name().into_owned(), self.kind);
        shape.apply(self.kind, ordinary).ok_or_else(none)
    }
}
