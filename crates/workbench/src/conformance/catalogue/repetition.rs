//! The same event again: it comes at least once, and sometimes twice.

use super::super::check::{Check, Group, Need, Weight};
use super::super::judge;
use super::super::maker::Maker;
use super::super::script::{Send, Step, Way};
use super::super::words::Text;

const REMEDY: Text = Text {
    en: "Keep webhook-id in a unique column, inserted in the transaction of the callback. If it is there already, answer 200 success and do nothing else.",
    zh: "将 webhook-id 存入唯一索引列，与业务数据在同一事务中写入；如已存在，直接返回 200 和 success，不做其他处理。",
};

pub(super) static CHECKS: &[Check] = &[
    Check {
        id: "duplicate",
        group: Group::Repetition,
        title: Text {
            en: "the same request twice",
            zh: "同一请求发送两次",
        },
        risk: Text {
            en: "A repetition that is refused is sent again until it is given up, although you have it. One that is processed again makes a second row, a second text message, a second task.",
            zh: "拒绝重复会导致一直重发直到放弃，尽管您早已收到；重复处理则会多出一条记录、一条短信、一个待办。",
        },
        remedy: REMEDY,
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &[],
        script: Some(duplicate),
        judge: judge::expected,
    },
    Check {
        id: "resend",
        group: Group::Repetition,
        title: Text {
            en: "re-sends by the schedule: new timestamp, signature and number, the same event",
            zh: "按计划重发：时间戳、签名、次数变化，事件不变",
        },
        risk: Text {
            en: "A re-send differs in webhook-timestamp, webhook-signature and ringback-send. Who tells repetitions by these processes every re-send anew.",
            zh: "重发时 webhook-timestamp、webhook-signature、ringback-send 都会变化。以它们判断重复就会把每次重发都当成新回调。",
        },
        remedy: REMEDY,
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &["duplicate"],
        script: Some(resend),
        judge: judge::expected,
    },
    Check {
        id: "lost-answer",
        group: Group::Repetition,
        title: Text {
            en: "the answer is lost on the way, then the event comes again",
            zh: "应答在途中丢失，随后重发",
        },
        risk: Text {
            en: "The sender does not know that you have stored it and sends it again. If that is refused, the callback counts as undelivered for ever.",
            zh: "发送方不知道您已落库，会再次发送。如果拒绝，该回调将一直被视为未送达。",
        },
        remedy: REMEDY,
        weight: Weight::Finding,
        need: Need::Nothing,
        after: &["duplicate"],
        script: Some(lost_answer),
        judge: judge::expected,
    },
    Check {
        id: "duplicates-at-once",
        group: Group::Repetition,
        title: Text {
            en: "the same event four times at the same moment",
            zh: "同一事件同时到达四次",
        },
        risk: Text {
            en: "After a time-out the next send can arrive while the first is still at work. Looking first and inserting then lets both through; an error for the second costs a further send.",
            zh: "超时后的重发可能在第一次仍在处理时到达。“先查后插”会让两者都写入；给第二个返回错误则会多一次重发。",
        },
        remedy: Text {
            en: "Let the database decide: insert with ON CONFLICT DO NOTHING (INSERT IGNORE) on webhook-id, and answer success either way.",
            zh: "由数据库判断：对 webhook-id 使用 INSERT IGNORE 或 ON CONFLICT DO NOTHING，无论是否插入都返回 success。",
        },
        weight: Weight::Warning,
        need: Need::Nothing,
        after: &["duplicate"],
        script: Some(at_once),
        judge: judge::at_once,
    },
];

fn duplicate(maker: &mut Maker) -> Vec<Step> {
    again(maker, |send| vec![send.clone(), send])
}

fn resend(maker: &mut Maker) -> Vec<Step> {
    again(maker, |send| {
        vec![
            send.clone().skew_s(-90),
            send.clone().number(3).skew_s(-45),
            send.number(11),
        ]
    })
}

fn lost_answer(maker: &mut Maker) -> Vec<Step> {
    again(maker, |send| {
        vec![send.clone().way(Way::AnswerLost).unanswered(), send.number(2)]
    })
}

/// The same event of each kind again and again, one after another.
fn again(maker: &mut Maker, times: fn(Send) -> Vec<Send>) -> Vec<Step> {
    let sends = maker.of_each(|maker, kind| Some(maker.draft(kind)));
    sends
        .into_iter()
        .flat_map(|send| {
            let all = times(send);
            all.into_iter().enumerate().map(|(at, send)| {
                let what = send.what.clone();
                let n = at + 1;
                Step::One(send.called(
                    format!("{}, send {n}", what.en),
                    format!("{}，第 {n} 次", what.zh),
                ))
            })
        })
        .collect()
}

fn at_once(maker: &mut Maker) -> Vec<Step> {
    let sends = maker.of_each(|maker, kind| Some(maker.draft(kind)));
    let four = |send: Send| Step::Together(vec![send; 4]);
    sends.into_iter().map(four).collect()
}
