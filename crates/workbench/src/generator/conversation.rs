//! One conversation: what was said when, and what the platform made of it.

use ringback_contract::callback::PhoneLogEntry;
use ringback_contract::date_time;

use super::Call;
use super::script::{self, Mood, Reply, Script};
use crate::prng::Prng;

/// A conversation that has ended.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub(super) turns: Vec<Turn>,
    /// How often the customer agreed, and asked about the matter.
    pub(super) agreed: i64,
    pub(super) asked: i64,
    pub(super) asked_price: bool,
    pub(super) owns: bool,
    pub(super) busy: bool,
    /// Whether the customer hung up.
    pub(super) hung_up: bool,
    /// Its length in milliseconds.
    pub(super) length_ms: i64,
}

/// One turn of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    /// What the customer meant; `None` when the robot speaks.
    reply: Option<Reply>,
    content: &'static str,
    start_ms: i64,
    end_ms: i64,
}

impl Conversation {
    /// Lets a robot with this script talk to a customer.
    pub(super) fn hold(prng: &mut Prng, script: &Script) -> Self {
        let mut held = Self::default();
        let keen = prng.between(0, 100);
        for line in script.lines {
            held.robot(line);
            if prng.chance(6) {
                // Hung up without a word.
                held.hung_up = true;
                return held;
            }
            let reply = Self::reply(prng, script, keen);
            held.customer(prng, reply);
            if let Some(answer) = reply.answer {
                held.robot(answer);
            }
            match reply.mood {
                Mood::Yes | Mood::Question => {}
                Mood::Busy => {
                    held.robot(script::CALL_LATER);
                    return held;
                }
                Mood::No => {
                    held.hung_up = prng.chance(50);
                    if !held.hung_up {
                        held.robot(script::BYE);
                    }
                    return held;
                }
            }
        }
        held
    }

    fn reply(prng: &mut Prng, script: &Script, keen: i64) -> Reply {
        if prng.chance(keen) {
            return *prng.pick(script::YES);
        }
        match prng.between(0, 9) {
            0 => script::UNKNOWN,
            1..=4 => *prng.pick(script.questions),
            5 => *prng.pick(script::BUSY),
            _ => *prng.pick(script::NO),
        }
    }

    fn robot(&mut self, content: &'static str) {
        self.say(None, content, 400);
    }

    fn customer(&mut self, prng: &mut Prng, reply: Reply) {
        let thinks_ms = prng.between(500, 2_500);
        self.say(Some(reply), reply.content, thinks_ms);
        match reply.mood {
            Mood::Yes => self.agreed += 1,
            Mood::Question => self.asked += 1,
            Mood::Busy => self.busy = true,
            Mood::No => {}
        }
        self.asked_price |= reply.mean == "价格";
        self.owns |= reply.mean == "已有同类产品";
    }

    fn say(&mut self, reply: Option<Reply>, content: &'static str, pause_ms: i64) {
        // A Chinese speaker says four to five characters in a second.
        let characters = i64::try_from(content.chars().count()).unwrap_or(0);
        let start_ms = if self.turns.is_empty() {
            0
        } else {
            self.length_ms + pause_ms
        };
        let end_ms = start_ms + characters * 220;
        self.length_ms = end_ms;
        self.turns.push(Turn {
            reply,
            content,
            start_ms,
            end_ms,
        });
    }

    /// How often the customer spoke.
    pub(super) fn rounds(&self) -> i64 {
        let rounds = self.turns.iter().filter(|turn| turn.reply.is_some()).count();
        i64::try_from(rounds).unwrap_or(0)
    }

    /// The conversation as `phoneLogs`.
    pub(super) fn log(&self, prng: &mut Prng, call: &Call<'_>) -> Vec<PhoneLogEntry> {
        let first_id = prng.between(2_000_000_000, 4_000_000_000);
        (first_id..)
            .zip(&self.turns)
            .map(|(id, turn)| turn.entry(prng, call, id))
            .collect()
    }
}

impl Turn {
    fn entry(&self, prng: &mut Prng, call: &Call<'_>, id: i64) -> PhoneLogEntry {
        let said_at = date_time::format_local(call.start_ms + self.end_ms, call.zone);
        let reply = self.reply.as_ref();
        let known = reply.filter(|reply| !reply.mean.is_empty());
        let is_question = reply.is_some_and(|reply| reply.mood == Mood::Question);
        let knowledge = known.filter(|_| is_question).map(|_| prng.between(5_000, 5_999));
        PhoneLogEntry {
            scene_instance_log_id: Some(id),
            scene_instance_id: Some(call.id),
            company_id: Some(call.company_id),
            robot_def_id: Some(call.job.robot_def_id),
            decision_id: Some(prng.between(10_000, 11_000)),
            speaker: Some(if reply.is_some() { "ME" } else { "AI" }.to_owned()),
            content: Some(self.content.to_owned()),
            user_mean: Some(reply.map_or("", |reply| reply.mean).to_owned()),
            user_mean_detail: known.map(|reply| detail(reply, knowledge)),
            ai_unknown: Some(reply.is_some() && known.is_none()),
            answer_status: reply.map(|_| i64::from(is_question)),
            study_status: None,
            start_time: Some(self.start_ms),
            end_time: Some(self.end_ms),
            gmt_create: Some(said_at.clone()),
            gmt_modified: Some(said_at),
            knowledge_base_id: knowledge,
            ..PhoneLogEntry::default()
        }
    }
}

/// `userMeanDetail`: JSON inside a string, as the platform writes it.
fn detail(reply: &Reply, knowledge: Option<i64>) -> String {
    serde_json::json!([{
        "score": -1,
        "answer": reply.mean,
        "ask": reply.content,
        "knowledgeBaseId": knowledge,
    }])
    .to_string()
}
