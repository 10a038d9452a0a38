//! What is said in generated calls: scripts of an outbound-call robot in several trades, all invented.

/// How much interest a customer's answer shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Agrees, or asks for more.
    Yes,
    /// Asks a question that the robot can answer.
    Question,
    /// Has no time now.
    Busy,
    /// Declines.
    No,
}

/// A customer's answer with the meaning that the platform sees in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) mood: Mood,
    pub(super) content: &'static str,
    pub(super) mean: &'static str,
    /// The robot's answer, if there is one before it goes on.
    pub(super) answer: Option<&'static str>,
}

const fn reply(mood: Mood, content: &'static str, mean: &'static str) -> Reply {
    Reply {
        mood,
        content,
        mean,
        answer: None,
    }
}

const fn question(content: &'static str, mean: &'static str, answer: &'static str) -> Reply {
    Reply {
        mood: Mood::Question,
        content,
        mean,
        answer: Some(answer),
    }
}

/// A script of one trade.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) name: &'static str,
    pub(super) industry: &'static str,
    pub(super) job: &'static str,
    /// What the robot says, in order, as long as the customer listens.
    pub(super) lines: &'static [&'static str],
    /// Questions of this trade.
    pub(super) questions: &'static [Reply],
}

pub(super) const SCRIPTS: &[Script] = &[
    Script {
        name: "少儿英语试听邀约",
        industry: "教育培训",
        job: "暑期试听课邀约",
        lines: &[
            "喂，您好，我是小鹿英语的课程顾问，打扰您一分钟，请问是孩子的家长吗？",
            "是这样的，我们本周末有一节免费的外教试听课，孩子几年级了呢？",
            "好的，试听课大概四十分钟，周六上午和周日下午都可以，您看哪个时间方便？",
            "好的，我这边给您预留名额，稍后会有老师加您微信，请您留意一下。",
        ],
        questions: &[
            question(
                "这个要收费吗？",
                "价格",
                "试听课是完全免费的，听完再决定报不报名都可以。",
            ),
            question(
                "你们在什么地方啊？",
                "地址",
                "我们是线上小班课，在家用平板或者电脑就可以上课。",
            ),
            question(
                "老师是外教吗？",
                "师资",
                "是的，全部是持证的外教，同时还配一位中文助教。",
            ),
        ],
    },
    Script {
        name: "装修意向调研",
        industry: "家居装修",
        job: "新小区装修回访",
        lines: &[
            "您好，这里是安居装饰，看到您在我们平台上预约过量房，请问您的房子最近准备装修吗？",
            "好的，那您的房子大概多大面积，是毛坯还是旧房翻新呢？",
            "明白了，我们可以安排设计师免费上门量房并出一份报价，您这周方便吗？",
            "好的，已经为您登记，设计师会提前一天跟您电话确认时间。",
        ],
        questions: &[
            question(
                "大概多少钱一平？",
                "价格",
                "基础半包大概六百到九百一平，具体要看户型和材料。",
            ),
            question(
                "你们做过我们小区吗？",
                "案例",
                "做过的，同小区有十几户已经完工，可以带您去看样板间。",
            ),
            question("工期要多久？", "工期", "一百平左右的房子一般八十天左右完工。"),
        ],
    },
    Script {
        name: "年度体检预约",
        industry: "医疗健康",
        job: "企业员工体检通知",
        lines: &[
            "您好，这里是和康体检中心，您单位今年的体检已经可以预约了，请问现在方便说话吗？",
            "体检时间是工作日和周六上午，您希望约在哪一天呢？",
            "好的，体检当天请空腹，带上身份证，报告大概五个工作日出来。",
        ],
        questions: &[
            question(
                "家属可以一起做吗？",
                "家属",
                "可以的，家属可以享受同样的优惠价，到前台登记就行。",
            ),
            question(
                "在哪个院区？",
                "地址",
                "城东和城西两个院区都可以，预约的时候选一下。",
            ),
        ],
    },
    Script {
        name: "物业费提醒",
        industry: "物业服务",
        job: "三季度物业费提醒",
        lines: &[
            "您好，我是您小区物业的智能客服，提醒您第三季度的物业费还没有缴纳，请问您知道吗？",
            "您可以在业主公众号里直接缴费，月底之前都没有滞纳金，您看这两天方便处理吗？",
            "好的，感谢您的配合，祝您生活愉快，再见。",
        ],
        questions: &[
            question(
                "怎么在网上交啊？",
                "缴费方式",
                "打开业主公众号，点我的账单，选中第三季度就可以支付了。",
            ),
            question(
                "一共要交多少？",
                "金额",
                "具体金额以账单为准，公众号里可以看到明细。",
            ),
        ],
    },
    Script {
        name: "新品手游内测邀请",
        industry: "互联网游戏",
        job: "手游内测邀请",
        lines: &[
            "喂，您好，我们有一款新的策略手游正在内测，想邀请您来体验，您平时玩手机游戏吗？",
            "那太好了，现在参加内测可以领取限定礼包，您用的是安卓还是苹果手机？",
            "好的，稍后会给您发送一条带下载地址的短信，请您注意查收。",
        ],
        questions: &[
            question(
                "有什么游戏呀？",
                "游戏",
                "是一款三国题材的策略游戏，可以和好友一起组队。",
            ),
            question("要充钱吗？", "价格", "内测期间全部免费，礼包也是直接送的。"),
        ],
    },
];

pub(super) const YES: &[Reply] = &[
    reply(Mood::Yes, "嗯，可以的。", "肯定"),
    reply(Mood::Yes, "好啊，你说吧。", "肯定"),
    reply(Mood::Yes, "行，那就周六上午吧。", "肯定"),
    reply(Mood::Yes, "对，最近正好在考虑这个。", "有意向"),
];

pub(super) const BUSY: &[Reply] = &[
    reply(Mood::Busy, "我现在在开会，晚点再打吧。", "用户忙"),
    reply(Mood::Busy, "在开车，不方便。", "用户忙"),
];

pub(super) const NO: &[Reply] = &[
    reply(Mood::No, "不需要，谢谢。", "拒绝"),
    reply(Mood::No, "没兴趣，别再打了。", "拒绝"),
    reply(Mood::No, "已经买过了。", "已有同类产品"),
];

/// A question that no robot of these scripts can answer.
pub(super) const UNKNOWN: Reply = Reply {
    mood: Mood::Question,
    content: "你是机器人吧？那你说说“天王盖地虎”下一句是啥\\？",
    mean: "",
    answer: Some("不好意思，这个问题我帮您记录一下，稍后请同事回复您。"),
};

pub(super) const BYE: &str = "好的，那就不打扰您了，祝您生活愉快，再见。";
pub(super) const CALL_LATER: &str = "好的，那我晚一点再联系您，再见。";

pub(super) const SURNAMES: &[&str] = &["陈", "林", "黄", "周", "吴", "徐", "孙", "欧阳", "步", "诸葛"];
pub(super) const TITLES: &[&str] = &["先生", "女士", "老师", "经理"];
pub(super) const CITIES: &[&str] = &["杭州", "成都", "武汉", "哈尔滨", "呼和浩特", "厦门"];

/// Labels of 客户标签 with their keys; the first is the seed's.
pub(super) const INVALID: (i64, &str) = (200, "无效用户");
pub(super) const KEEN: (i64, &str) = (201, "意向强烈");
pub(super) const ASKS_PRICE: (i64, &str) = (202, "关注价格");
pub(super) const CALL_BACK: (i64, &str) = (203, "要求回电");
pub(super) const OWNS: (i64, &str) = (205, "已有同类产品");
