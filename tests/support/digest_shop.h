// A fixed store for digests: project 7 "shop", thirteen issues over thirty hours, one merged into
// another, one resolved, one deleted; titles as hostile clients write them; and what alerts told of
// these issues.
#pragma once

#include <fmt/format.h>

#include <array>
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "alert/notification.h"
#include "alert/rule.h"
#include "base/clock.h"
#include "base/time_format.h"
#include "engine/store.h"
#include "model/command.h"
#include "support/temp_dir.h"

namespace cairn::testing {

class DigestShop {
 public:
  static constexpr int64_t kHour = 3600 * kMicrosPerSecond;
  static constexpr int kHours = 30;  // with occurrences
  static constexpr int kIssues = 13;
  // When the digest is made, at the end of these hours.
  static TimeUs now() { return *parse_time("2026-11-30T09:00:00Z"); }
  static TimeUs before(int64_t minutes) { return TimeUs{raw(now()) - minutes * (kHour / 60)}; }

  DigestShop() {
    engine::StoreOptions options;
    options.index_map_bytes = 64u << 20;
    options.clock = &clock_;
    auto opened = engine::Store::open(directory_ / "store", options);
    if (!opened.ok()) FAIL(opened.error().message);
    store_ = std::move(opened).value();
    fill();
    arrange();
    tell();
  }

  const engine::Store& store() const { return *store_; }
  engine::Store& store() { return *store_; }
  std::string path() const { return directory_ / "store"; }
  const std::vector<alert::Notification>& notifications() const { return notifications_; }

  const alert::Rule* find_rule(uint32_t number) const {
    return number == 0 || number > rules_.size() ? nullptr : &rules_[number - 1];
  }

  struct Issue {
    std::string title;
    std::string culprit;
    std::string level;
    int rate = 0;   // an hour at its best
    int users = 0;  // that see it
    int rise = 0;   // hours from the beginning until it is seen first
  };
  static const std::array<Issue, kIssues>& issues() {
    static const std::array<Issue, kIssues> kAll = {{
        {"TypeError: Cannot read properties of undefined (reading 'price')",
         "applyVoucher(checkout/cart)", "error", 40, 120, 9},
        {"<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
         "\"><svg onload=alert(2)>", "error", 6, 11, 20},
        {"\xd7\xa9\xd7\x92\xd7\x99\xd7\x90\xd7\x94: \xd7\x9c\xd7\x90 "
         "\xd7\xa0\xd7\x99\xd7\xaa\xd7\x9f \xd7\x9c\xd7\x98\xd7\xa2\xd7\x95\xd7\x9f "
         "\xd7\x90\xd7\xaa \xd7\x94\xd7\x94\xd7\x96\xd7\x9e\xd7\xa0\xd7\x94 4711",
         "orders.views.load", "error", 9, 17, 2},
        {"bell \x07 escape \x1b[31m red, turned \xe2\x80\xaegnp.exe\xe2\x80\xac back", "a\tb\nc",
         "warning", 4, 4, 24},
        {"ConnectionResetByPeerWhileReadingResponseHeadersFromUpstreamAuthenticationServiceWithout"
         "AnySpaceToBreakTheLineAtWhichIsWhatMachinesLikeToWrite",
         "https://auth.internal.example/api/v2/session/refresh?token=0123456789abcdef0123456789",
         "fatal", 12, 60, 27},
        {"O'Reilly said \"no\" & <b>left</b> &amp; 'never' came back", "", "error", 3, 2, 0},
        {"Slow query: SELECT * FROM orders WHERE customer_id = ? took 4.2 s", "db.orders.find",
         "warning", 20, 0, 0},
        {"Queue is full: 10000 jobs wait", "worker.enqueue", "fatal", 30, 5, 28},
        {"Configuration was read again", "settings.reload", "info", 1, 1, 12},
        {"TypeError: voucher is null", "applyVoucher(checkout/cart)", "error", 8, 30, 11},
        {"This one is resolved", "done", "error", 5, 5, 7},
        {"This one is deleted", "gone", "error", 5, 5, 7},
        {"Payment was refused: \xe2\x82\xac 4.99 card \xf0\x9f\x92\xb3 declined", "pay.charge",
         "error", 2, 12, 6},
    }};
    return kAll;
  }

 private:
  void fill() {
    std::vector<model::Message> messages;
    uint32_t number = 0;
    for (size_t i = 0; i < issues().size(); ++i) {
      const Issue& issue = issues()[i];
      for (int hour = issue.rise; hour < kHours; ++hour) {
        // By day more than by night, with a little unrest.
        const int share = 4 + (hour + 9) % 24 / 3 + static_cast<int>(i + 3 * hour) % 5;
        const int count = issue.rate * share / 16 + (hour == issue.rise ? 1 : 0);
        for (int n = 0; n < count; ++n) {
          const int64_t minute = int64_t{kHours - hour} * 60 - 3 - n * 50 / count;
          messages.emplace_back(occurrence(issue, i, ++number, before(minute)));
        }
      }
    }
    auto stored = store_->submit(std::move(messages), {});
    if (!stored.ok()) FAIL(stored.error().message);
    for (const auto& item : stored->items) REQUIRE(item.outcome == engine::Outcome::Stored);
  }

  static model::Occurrence occurrence(const Issue& issue, size_t index, uint32_t number,
                                      TimeUs time) {
    model::Occurrence out;
    out.id = id_of(number);
    out.project = ProjectId{7};
    out.fingerprint = {fmt::format("f{:02}", index)};
    out.title = issue.title;
    out.culprit = issue.culprit;
    out.level_text = issue.level;
    out.type = 1;
    out.detection_time = static_cast<double>(raw(time)) / kMicrosPerSecond;
    if (issue.users > 0) {
      const int user = static_cast<int>(number * 7919u) % issue.users;
      out.event = fmt::format(R"({{"user":{{"id":"u{}"}}}})", user);
    }
    return out;
  }
  static Uuid id_of(uint32_t number) {
    Uuid id;
    for (size_t i = 0; i < 4; ++i) id.bytes[12 + i] = static_cast<uint8_t>(number >> (24 - 8 * i));
    return id;
  }

  void execute(const model::Command& command) {
    const auto done = store_->execute(command, {});
    if (!done.ok()) FAIL(done.error().message);
  }
  void arrange() {
    model::ChangeProjectCommand slug;
    slug.project = ProjectId{7};
    slug.slug = "shop";
    execute(slug);
    execute(model::MergeCommand{GroupId{1}, {GroupId{10}}});
    model::SetStatusCommand resolve;
    resolve.group = GroupId{11};
    resolve.status = model::Status::Resolved;
    execute(resolve);
    execute(model::SetStandingCommand{GroupId{12}, model::Standing::Deleted});
  }

  void fire(uint32_t rule, uint32_t number, TimeUs at) {
    alert::Notification one;
    one.kind = alert::Notification::Kind::Firing;
    one.lsn = Lsn{100'000 + notifications_.size()};
    one.at = at;
    one.rule = rule;
    one.rule_name = rules_.at(rule - 1).name;
    one.project = ProjectId{7};
    one.number = number;
    notifications_.push_back(one);
  }
  void open(uint32_t rule, std::string key, TimeUs started, TimeUs at) {
    alert::Notification one;
    one.kind = alert::Notification::Kind::Transition;
    one.lsn = Lsn{100'000 + notifications_.size()};
    one.at = at;
    one.rule = rule;
    one.rule_name = rules_.at(rule - 1).name;
    one.incident = static_cast<uint32_t>(notifications_.size() + 1);
    one.step = 1;
    one.key = std::move(key);
    one.to = alert::Severity::Critical;
    one.started = started;
    one.detected = at;
    notifications_.push_back(one);
  }

  void tell() {
    rules_.resize(4);
    rules_[0].name = "New issues in production";
    rules_[0].condition = alert::IssueCondition{alert::IssueEvent::FirstSeen, 0, 0, 30};
    rules_[1].name = "Seen more than 20 times in an hour";
    rules_[1].condition = alert::IssueCondition{alert::IssueEvent::SeenTimes, 20, 60, 30};
    rules_[2].name = "</h2><script>alert('rule')</script> & \"quotes\"";
    rules_[2].condition = alert::IssueCondition{alert::IssueEvent::Regression, 0, 0, 30};
    rules_[3].name = "Errors by release";
    alert::MetricCondition metric;
    metric.group_by = "release";
    rules_[3].condition = metric;
    const std::array<uint32_t, 10> fresh = {1, 2, 4, 5, 8, 9, 10, 11, 12, 13};
    for (const uint32_t number : fresh) {
      fire(1, number, before(60 * (kHours - issues()[number - 1].rise) - 3));
    }
    open(2, "7/1", before(1260), before(1200));
    open(2, "7/7", before(700), before(640));
    open(2, "7/8", before(120), before(60));
    open(2, "7/1", before(100), before(40));
    open(4, "7/1", before(100), before(40));  // a release that looks like an issue
    fire(3, 3, before(35));
    fire(3, 6, before(30));
    fire(3, 2, before(5));
  }

  TempDir directory_;
  ManualClock clock_{now()};
  std::unique_ptr<engine::Store> store_;
  std::vector<alert::Rule> rules_;
  std::vector<alert::Notification> notifications_;
};

}  // namespace cairn::testing
