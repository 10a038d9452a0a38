//! `sceneInstance` and `phoneLog` of one call, outbound or inbound.

use ringback_contract::callback::{InboundInstance, PhoneLog, SceneInstance};
use ringback_contract::date_time;

use super::Call;
use super::conversation::Conversation;
use super::results::Level;
use super::script;
use crate::prng::Prng;

impl Call<'_> {
    fn date(&self, ms: i64) -> String {
        date_time::format_local(ms, self.zone)
    }

    fn recording(&self) -> String {
        let ended = self.date(self.start_ms + self.length_ms);
        let ended: String = ended.chars().filter(char::is_ascii_digit).collect();
        format!(
            "https://recordings.example.com/RobotPhoneCommunicate/{}/{ended}.wav",
            self.id
        )
    }

    pub(super) fn phone_log(&self, prng: &mut Prng, conversation: Option<&Conversation>) -> PhoneLog {
        PhoneLog {
            phone_logs: Some(conversation.map_or_else(Vec::new, |held| held.log(prng, self))),
            luyin_oss_url: conversation.map(|_| self.recording()),
            ..PhoneLog::default()
        }
    }

    pub(super) fn scene(
        &self,
        prng: &mut Prng,
        finish_status: i64,
        level: &Level,
        conversation: Option<&Conversation>,
    ) -> SceneInstance {
        let customer = format!("{}{}", prng.pick(script::SURNAMES), prng.pick(script::TITLES));
        let (start, end) = (
            self.date(self.start_ms),
            self.date(self.start_ms + self.length_ms),
        );
        SceneInstance {
            call_instance_id: Some(self.id),
            company_id: Some(self.company_id),
            call_user_id: Some(prng.between(200, 999)),
            call_job_id: self.job_id,
            customer_id: Some(prng.between(1_000_000, 9_999_999_999)),
            customer_telephone: Some(phone(prng)),
            customer_name: Some(customer.clone()),
            status: Some(2),
            finish_status: Some(finish_status),
            duration: Some(self.length_ms / 1000),
            chat_round: Some(conversation.map_or(0, Conversation::rounds)),
            start_time: Some(start.clone()),
            end_time: Some(end.clone()),
            caller_phone: Some("测试线路".to_owned()),
            luyin_oss_url: conversation.map(|_| self.recording()),
            user_luyin_oss_url: conversation.map(|_| self.recording().replace(".wav", "-user.wav")),
            properties: Some(
                serde_json::json!({ "姓名": customer, "城市": prng.pick(script::CITIES) }).to_string(),
            ),
            handle_person: Some(self.job.script.name.to_owned()),
            call_type: Some(1),
            call_index: Some(0),
            read_status: Some(0),
            job_name: Some(self.job.script.job.to_owned()),
            robot_def_id: Some(self.job.robot_def_id),
            scene_def_id: Some(self.job.robot_def_id + 12),
            scene_record_id: Some(self.job.robot_def_id + 12),
            corp_name: Some(
                serde_json::json!({ "calledTimes": 1, "callerId": 887, "host": "robot-03", "useAsr": "pay" })
                    .to_string(),
            ),
            industry: Some(self.job.script.industry.to_owned()),
            track_result: Some(level.value.to_owned()),
            hang_up: conversation.map(|held| i64::from(held.hung_up)),
            secondary_call_time: Some("1970-01-01 09:00:00".to_owned()),
            secondary_call_times: Some(0),
            cost: Some(conversation.map_or(0, |_| (self.length_ms / 60_000 + 1) * 12)),
            callbacked: Some(0),
            gmt_create: Some(start),
            gmt_modified: Some(end),
            ..SceneInstance::default()
        }
    }
}

/// The scene of an inbound call, from that of an outbound one.
pub(super) fn inbound(prng: &mut Prng, outbound: SceneInstance, level: &Level) -> InboundInstance {
    let is_transferred = prng.chance(30);
    InboundInstance {
        inbound_instance_id: outbound.call_instance_id,
        company_id: outbound.company_id,
        call_user_id: outbound.call_user_id,
        customer_id: outbound.customer_id,
        customer_telephone: outbound.customer_telephone,
        customer_name: outbound.customer_name,
        status: outbound.status,
        finish_status: outbound.finish_status,
        duration: outbound.duration,
        chat_round: outbound.chat_round,
        start_time: outbound.start_time,
        end_time: outbound.end_time,
        callee_phone: Some("测试热线".to_owned()),
        luyin_oss_url: outbound.luyin_oss_url,
        user_luyin_oss_url: outbound.user_luyin_oss_url,
        properties: outbound.properties,
        handle_person: outbound.handle_person,
        call_type: outbound.call_type,
        call_index: outbound.call_index,
        read_status: outbound.read_status,
        robot_def_id: outbound.robot_def_id,
        scene_def_id: outbound.scene_def_id,
        scene_record_id: outbound.scene_record_id,
        corp_name: outbound.corp_name,
        industry: outbound.industry,
        track_result: outbound.track_result,
        hang_up: outbound.hang_up,
        secondary_call_time: outbound.secondary_call_time,
        secondary_call_times: outbound.secondary_call_times,
        cost: outbound.cost,
        callbacked: outbound.callbacked,
        gmt_create: outbound.gmt_create,
        gmt_modified: outbound.gmt_modified,
        transfer_status: Some(if is_transferred { prng.between(1, 2) } else { 0 }),
        user_level: Some(level.alias.into()),
        properties_map: Some(serde_json::Map::new()),
        ..InboundInstance::default()
    }
}

/// A number that nobody has: its middle is masked.
fn phone(prng: &mut Prng) -> String {
    let (second, third, tail) = (prng.between(3, 9), prng.between(0, 9), prng.between(0, 9_999));
    format!("1{second}{third}xxxx{tail:04}")
}
