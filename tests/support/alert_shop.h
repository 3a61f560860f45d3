// A store with an alert rule about new issues and one about frequent ones, for tests of what comes
// of alerts: each new fingerprint is an issue and an alert.
#pragma once

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "alert/alert_command.h"
#include "base/clock.h"
#include "base/time_format.h"
#include "engine/store.h"
#include "support/temp_dir.h"

namespace cairn::testing {

class AlertShop {
 public:
  static TimeUs start() { return *parse_time("2026-11-30T09:00:00Z"); }

  AlertShop() {
    engine::StoreOptions options;
    options.index_map_bytes = 64u << 20;
    options.clock = &clock;
    auto opened = engine::Store::open(directory / "store", options);
    if (!opened.ok()) FAIL(opened.error().message);
    store = std::move(opened).value();
    alert::Rule fresh;
    fresh.name = "New issues";
    fresh.condition = alert::IssueCondition{alert::IssueEvent::FirstSeen, 0, 0, 30};
    alert::Rule often = fresh;
    often.name = "Seen more than twice in 5 minutes";
    often.condition = alert::IssueCondition{alert::IssueEvent::SeenTimes, 2, 5, 30};
    const std::vector<alert::AlertCommand> commands = {alert::AddRule{fresh},
                                                       alert::AddRule{often}};
    const auto added = store->execute(commands, {});
    if (!added.ok()) FAIL(added.error().message);
    for (const auto& item : added->items) REQUIRE(item.outcome == engine::Outcome::Stored);
    const auto filled = store->fill_alerts();
    if (!filled.ok()) FAIL(filled.error().message);
  }

  void wait(int64_t seconds) { clock.set(TimeUs{raw(clock.now()) + seconds * kMicrosPerSecond}); }
  TimeUs now() { return clock.now(); }

  // An occurrence, seen `late` seconds ago.
  void see(const std::string& fingerprint, uint64_t project = 7, int64_t late = 1) {
    model::Occurrence out;
    ++occurrences_;
    out.id.bytes[14] = static_cast<uint8_t>(occurrences_ >> 8);
    out.id.bytes[15] = static_cast<uint8_t>(occurrences_);
    out.project = ProjectId{project};
    out.fingerprint = {fingerprint};
    out.title = "Problem " + fingerprint;
    out.level_text = "error";
    out.type = 1;
    out.detection_time =
        static_cast<double>(raw(clock.now()) - late * kMicrosPerSecond) / kMicrosPerSecond;
    out.event = fmt::format(R"({{"user":{{"id":"u{}"}}}})", occurrences_ % 3);
    std::vector<model::Message> messages;
    messages.emplace_back(std::move(out));
    const auto stored = store->submit(std::move(messages), {});
    if (!stored.ok()) FAIL(stored.error().message);
    REQUIRE(stored->items.front().outcome == engine::Outcome::Stored);
  }

  TempDir directory;
  ManualClock clock{start()};
  std::unique_ptr<engine::Store> store;

 private:
  uint32_t occurrences_ = 0;
};

}  // namespace cairn::testing
