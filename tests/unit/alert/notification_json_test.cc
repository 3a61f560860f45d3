#include "alert/notification_json.h"

#include <catch2/catch.hpp>

#include "alert/rule.h"
#include "base/time_format.h"
#include "support/must.h"

using namespace cairn;
using namespace cairn::alert;
using cairn::testing::must;

namespace {

Uuid store() { return *parse_uuid("5f0c1d2e-0000-4000-8000-0123456789ab"); }

Described transition() {
  Described out;
  Notification& one = out.notification;
  one.kind = Notification::Kind::Transition;
  one.lsn = Lsn{4711};
  one.at = *parse_time("2026-11-30T12:06:00Z");
  one.rule = 4;
  one.rule_name = "Checkout \"fails\"";
  one.incident = 17;
  one.step = 2;
  one.key = "shop@1.2";
  one.from = Severity::Warning;
  one.to = Severity::Critical;
  one.value = 120.5;
  one.started = *parse_time("2026-11-30T11:03:00Z");
  one.detected = *parse_time("2026-11-30T12:03:00Z");
  out.rule = std::make_shared<Rule>(must(parse_rule(
      R"j({"name":"Checkout \"fails\"","query":"level:error","environment":"production",
          "projects":[7,8],"aggregate":"uniq(user)","time_window":60,
          "triggers":[{"label":"critical","alert_threshold":100}]})j")));
  return out;
}

Described firing() {
  Described out;
  Notification& one = out.notification;
  one.kind = Notification::Kind::Firing;
  one.lsn = Lsn{12345};
  one.at = *parse_time("2026-11-30T12:06:00.25Z");
  one.rule = 5;
  one.rule_name = "New ones";
  one.project = ProjectId{7};
  one.number = 3;
  one.event = IssueEvent::FirstSeen;
  one.occurrence = "0123456789abcdef0123456789abcdef";
  out.short_id = "SHOP-3";
  return out;
}

std::string text(const Described& described,
                 NotificationFormat format = NotificationFormat::Notification,
                 Severity least = Severity::Warning) {
  return notification_text(format, store(), described, least);
}

}  // namespace

TEST_CASE("a transition as JSON") {
  CHECK(text(transition()) ==
        R"({"version":1,"id":"5f0c1d2e0000400080000123456789ab-i17-2","kind":"incident",)"
        R"("action":"escalated","store":"5f0c1d2e-0000-4000-8000-0123456789ab","lsn":4711,)"
        R"("at":"2026-11-30T12:06:00Z","rule":{"id":4,"name":"Checkout \"fails\""},)"
        R"("incident":{"id":17,"step":2,"key":"shop@1.2","severity":"critical",)"
        R"("previous_severity":"warning","value":120.5,"started":"2026-11-30T11:03:00Z",)"
        R"("detected":"2026-11-30T12:03:00Z"}})");
  Described closed = transition();
  closed.notification.key.clear();
  closed.notification.value.reset();
  closed.notification.to = Severity::Ok;
  CHECK(text(closed).find(R"("action":"resolved")") != std::string::npos);
  CHECK(text(closed).find(R"("key":null,"severity":"ok","previous_severity":"warning",)"
                          R"("value":null,)") != std::string::npos);
}

TEST_CASE("a firing as JSON") {
  CHECK(text(firing()) ==
        R"({"version":1,"id":"5f0c1d2e0000400080000123456789ab-f12345-0","kind":"issue",)"
        R"("action":"fired","store":"5f0c1d2e-0000-4000-8000-0123456789ab","lsn":12345,)"
        R"("at":"2026-11-30T12:06:00.250Z","rule":{"id":5,"name":"New ones"},)"
        R"("issue":{"project":7,"number":3,"short_id":"SHOP-3","event":"first_seen",)"
        R"("occurrence":"0123456789abcdef0123456789abcdef"}})");
  Described gone = firing();
  gone.short_id.clear();
  gone.notification.occurrence.clear();
  CHECK(text(gone).find(R"("short_id":null,"event":"first_seen","occurrence":null)") !=
        std::string::npos);
}

TEST_CASE("a transition as the field's result of a subscription") {
  const Described one = transition();
  CHECK(text(one, NotificationFormat::ResultV3) ==
        R"({"version":3,"payload":{"subscription_id":"5f0c1d2e0000400080000123456789ab-r4",)"
        R"("request":{"dataset":"events","project":[7,8],"query":"level:error",)"
        R"j("environment":"production","aggregate":"uniq(user)","time_window":3600,)j"
        R"("resolution":180,"notification":)" +
            text(one) +
            R"j(},"result":{"data":[{"uniq(user)":120.5}],)j"
            R"j("meta":[{"name":"uniq(user)","type":"Float64"}]},)j"
            R"("timestamp":"2026-11-30T12:06:00Z","entity":"events"}})");
}

TEST_CASE("a firing, and a rule that is gone, as the field's result") {
  const Described one = firing();
  CHECK(text(one, NotificationFormat::ResultV3) ==
        R"({"version":3,"payload":{"subscription_id":"5f0c1d2e0000400080000123456789ab-r5",)"
        R"("request":{"dataset":"events","notification":)" +
            text(one) +
            R"(},"result":{"data":[],"meta":[]},"timestamp":"2026-11-30T12:06:00.250Z",)"
            R"("entity":"events"}})");
  Described removed = transition();
  removed.rule = nullptr;
  CHECK(text(removed, NotificationFormat::ResultV3)
            .find(R"("result":{"data":[{"value":120.5}],"meta":[{"name":"value",)") !=
        std::string::npos);
}

TEST_CASE("what became of an incident depends on how much one is told") {
  struct Row {
    Severity from, to, least;
    const char* action;
  };
  constexpr auto kOk = Severity::Ok, kWarning = Severity::Warning, kCritical = Severity::Critical;
  for (const Row& row :
       {Row{kOk, kWarning, kWarning, "opened"}, Row{kOk, kCritical, kWarning, "opened"},
        Row{kWarning, kCritical, kWarning, "escalated"},
        Row{kCritical, kWarning, kWarning, "eased"}, Row{kCritical, kOk, kWarning, "resolved"},
        Row{kWarning, kOk, kWarning, "resolved"}, Row{kWarning, kCritical, kCritical, "opened"},
        Row{kCritical, kWarning, kCritical, "resolved"},
        Row{kCritical, kOk, kCritical, "resolved"}}) {
    Notification one;
    one.from = row.from;
    one.to = row.to;
    CHECK(action_name(one, row.least) == row.action);
  }
}

TEST_CASE("a series is an incident, or a rule and an issue") {
  Described a = transition();
  Described b = a;
  b.notification.step = 3;
  b.notification.key = "other";
  CHECK(series_of(a.notification) == series_of(b.notification));
  b.notification.incident = 18;
  CHECK(series_of(a.notification) != series_of(b.notification));
  a = firing();
  b = a;
  b.notification.lsn = Lsn{99999};
  CHECK(series_of(a.notification) == series_of(b.notification));
  b.notification.rule = 6;
  CHECK(series_of(a.notification) != series_of(b.notification));
}
