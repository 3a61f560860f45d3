// Digests of a server: over a store with alerts, a disk that forgets what was not synced, and
// sinks that fail.
#include "server/digest_schedule.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/alert_shop.h"
#include "support/forgetful_file_system.h"

using namespace cairn;
using namespace cairn::server;
using cairn::testing::AlertShop;
using cairn::testing::ForgetfulFileSystem;

namespace {

constexpr const char* kState = "/s/server.digests";

bool has(const std::string& text, std::string_view piece) {
  return text.find(piece) != std::string::npos;
}

// Keeps what it is given, or fails.
class Box final : public DigestSink {
 public:
  explicit Box(std::deque<DigestMail>& mails, const bool& broken)
      : mails_(mails), broken_(broken) {}
  Result<void> deliver(const DigestMail& mail) override {
    if (broken_) return make_error(ErrorCode::Io, "nobody takes it");
    mails_.push_back(mail);
    return {};
  }

 private:
  std::deque<DigestMail>& mails_;
  const bool& broken_;
};

// A server's part of this, which starts and stops over the same shop and disk.
class Machine {
 public:
  Machine() {
    REQUIRE(disk.make_directory("/s").ok());
    log_fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    log.emplace(log_fd);
  }
  ~Machine() { ::close(log_fd); }

  Result<void> begin(const std::vector<DigestConfig>& targets) {
    schedule = std::make_unique<DigestSchedule>(kState, disk, *log, metrics);
    for (const DigestConfig& one : targets) {
      schedule->add(one, std::make_unique<Box>(mails, broken));
    }
    return schedule->open(*shop.store);
  }
  // Looks each second for so long.
  void run(int64_t seconds) {
    for (int64_t i = 0; i < seconds; ++i) {
      schedule->look(*shop.store, shop.now());
      shop.wait(1);
    }
  }

  AlertShop shop;
  ForgetfulFileSystem disk;
  Metrics metrics;
  int log_fd = -1;
  std::optional<Log> log;
  std::deque<DigestMail> mails;  // those of before stay where they are
  bool broken = false;
  std::unique_ptr<DigestSchedule> schedule;
};

DigestConfig target(std::string name) {
  DigestConfig out;
  out.name = std::move(name);
  out.directory = "/out";
  return out;
}

}  // namespace

TEST_CASE("the first alert is told at once, those after it together") {
  Machine machine;
  REQUIRE(machine.begin({target("all")}).ok());
  machine.run(3);
  CHECK(machine.mails.empty());
  machine.shop.see("a");
  machine.run(1);
  REQUIRE(machine.mails.size() == 1);
  const DigestMail& first = machine.mails.front();
  CHECK(first.target == "all");
  CHECK(first.name.starts_with("all-2026-11-30T09-00-03Z-"));
  CHECK(has(first.key, "-dall-"));
  CHECK(has(first.text, "Problem a"));
  CHECK(has(first.text, "1 alert of 1 rule about 1 issue"));
  CHECK(has(first.page, "Problem a"));
  CHECK(has(first.page, "<bdi>all</bdi>"));
  CHECK(has(first.json, R"("events":1)"));

  machine.shop.see("b");
  machine.shop.see("c");
  machine.run(300 + 2 * 30 - 1);
  CHECK(machine.mails.size() == 1);
  machine.run(1);
  REQUIRE(machine.mails.size() == 2);
  CHECK(has(machine.mails[1].text, "2 alerts of 1 rule about 2 issues"));
  CHECK(machine.mails[1].key != first.key);
  CHECK(machine.metrics.digests == 2);
  CHECK(machine.metrics.digest_failures == 0);

  machine.run(1000);
  CHECK(machine.mails.size() == 2);
  machine.shop.see("d");
  machine.run(1);
  CHECK(machine.mails.size() == 3);
}

TEST_CASE("incidents on issues are told, too") {
  Machine machine;
  DigestConfig often = target("often");
  often.rules = {"Seen more than twice in 5 minutes"};
  REQUIRE(machine.begin({often}).ok());
  for (int i = 0; i < 5; ++i) machine.shop.see("a");
  for (int i = 0; i < 4; ++i) {
    machine.shop.wait(60);
    REQUIRE(machine.shop.store->tick().ok());
    machine.run(1);
  }
  REQUIRE(machine.mails.size() == 1);
  CHECK(has(machine.mails[0].text, "Seen more than twice in 5 minutes (rule 2): 1 issue"));
  CHECK(has(machine.mails[0].json, R"("events":5,"users":3,"alerts":1)"));
}

TEST_CASE("targets choose projects and rules, each with delays of its own") {
  Machine machine;
  DigestConfig seven = target("seven");
  seven.projects = {"7"};
  seven.minimum_delay_s = 10;
  seven.increment_delay_s = 0;
  seven.maximum_delay_s = 10;
  DigestConfig other = target("other");
  other.projects = {"8", "later"};  // one that is not there yet
  DigestConfig rule = target("rule");
  rule.rules = {"1"};
  DigestConfig none = target("none");
  none.rules = {"No such rule"};
  REQUIRE(machine.begin({seven, other, rule, none}).ok());
  machine.shop.see("a", 7);
  machine.shop.see("a", 8);
  machine.run(2);
  std::multiset<std::string> told;
  for (const DigestMail& mail : machine.mails) told.insert(mail.target);
  CHECK(told == std::multiset<std::string>{"other", "rule", "seven"});
  machine.mails.clear();
  machine.shop.see("b", 7);
  machine.run(11);
  REQUIRE(machine.mails.size() == 1);
  CHECK(machine.mails[0].target == "seven");
}

TEST_CASE("a digest of issues that were resolved meanwhile is not told") {
  Machine machine;
  REQUIRE(machine.begin({target("all")}).ok());
  machine.shop.see("a");
  machine.run(1);
  REQUIRE(machine.mails.size() == 1);
  machine.shop.see("b");
  model::SetStatusCommand resolve;
  resolve.group = GroupId{2};
  resolve.status = model::Status::Resolved;
  REQUIRE(machine.shop.store->execute(model::Command(resolve), {}).ok());
  machine.run(400);
  CHECK(machine.mails.size() == 1);
  machine.shop.see("c");
  machine.run(400);
  REQUIRE(machine.mails.size() == 2);
  CHECK(has(machine.mails[1].text, "1 alert of 1 rule about 1 issue"));
}

TEST_CASE("what fails is tried again, later and later, the same digest") {
  Machine machine;
  REQUIRE(machine.begin({target("all")}).ok());
  machine.broken = true;
  machine.shop.see("a");
  machine.run(100);
  CHECK(machine.mails.empty());
  CHECK(machine.metrics.digest_failures >= 5);
  CHECK(machine.metrics.digest_failures <= 10);
  machine.shop.see("b");
  machine.broken = false;
  machine.run(200);
  REQUIRE(machine.mails.size() == 1);
  CHECK(has(machine.mails[0].text, "Problem a"));
  CHECK_FALSE(has(machine.mails[0].text, "Problem b"));
  machine.run(400);
  REQUIRE(machine.mails.size() == 2);
  CHECK(has(machine.mails[1].text, "Problem b"));
}

TEST_CASE("a new target begins now, a known one where it was") {
  Machine machine;
  machine.shop.see("before");
  REQUIRE(machine.begin({target("all")}).ok());
  machine.run(3);
  CHECK(machine.mails.empty());
  machine.shop.see("a");
  // Stopped before it looked, and started again with one more.
  REQUIRE(machine.begin({target("all"), target("fresh")}).ok());
  machine.run(3);
  REQUIRE(machine.mails.size() == 1);
  CHECK(machine.mails[0].target == "all");
  CHECK(has(machine.mails[0].text, "Problem a"));
  CHECK_FALSE(has(machine.mails[0].text, "Problem before"));
  REQUIRE(machine.begin({target("all"), target("fresh")}).ok());
  machine.run(400);
  CHECK(machine.mails.size() == 1);
}

TEST_CASE("a file that cannot be read is said, another store's is not used") {
  Machine machine;
  REQUIRE(machine.begin({target("all")}).ok());
  const auto text_of = [](std::string_view text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return std::vector<std::byte>(begin, begin + text.size());
  };
  for (const std::string text :
       {"", "{", "{}", R"({"store":7,"targets":{}})", R"({"store":"x"})"}) {
    INFO(text);
    machine.disk.write_file(kState, text_of(text));
    const auto begun = machine.begin({target("all")});
    REQUIRE_FALSE(begun.ok());
    CHECK(has(begun.error().message, kState));
    CHECK(has(begun.error().message, "remove the file"));
  }
  const auto snapshot = machine.shop.store->snapshot();
  const std::string id = (*snapshot)->state().store_id().dashed();
  machine.disk.write_file(kState, text_of(R"({"store":")" + id + R"(","targets":{"all":{}}})"));
  CHECK_FALSE(machine.begin({target("all")}).ok());
  machine.disk.write_file(kState, text_of(R"({"store":"another","targets":{"all":{}}})"));
  CHECK(machine.begin({target("all")}).ok());
  // A store that lost its end begins anew, too.
  machine.disk.write_file(
      kState, text_of(R"({"store":")" + id +
                      R"(","targets":{"all":{"delivered":{"lsn":999999,"ordinal":0},"last":null,)"
                      R"("begun":null}}})"));
  REQUIRE(machine.begin({target("all")}).ok());
  machine.shop.see("a");
  machine.run(1);
  CHECK(machine.mails.size() == 1);
}

TEST_CASE("the power fails anywhere: every alert is told, at most one digest again") {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    Machine machine;
    REQUIRE(machine.begin({target("all")}).ok());
    int alerts = 0;
    for (int round = 0; round < 6; ++round) {
      machine.disk.cut_power_at(machine.disk.calls() + 1 + random() % 25);
      for (int i = 0; i < 4; ++i) {
        if (random() % 2 == 0) machine.shop.see(std::to_string(++alerts));
        machine.run(200);
      }
      machine.disk.crash(random() % 2 == 0 ? &random : nullptr);
      REQUIRE(machine.begin({target("all")}).ok());
    }
    machine.run(5000);
    std::set<std::string> keys;
    std::string before;
    std::multiset<std::string> told;
    for (const DigestMail& mail : machine.mails) {
      // Again only right after itself.
      if (mail.key != before) {
        CHECK(keys.insert(mail.key).second);
        for (int i = 1; i <= alerts; ++i) {
          if (has(mail.page, "Problem " + std::to_string(i) + "<")) {
            told.insert(std::to_string(i));
          }
        }
      }
      before = mail.key;
    }
    for (int i = 1; i <= alerts; ++i) {
      INFO("alert " << i);
      CHECK(told.count(std::to_string(i)) == 1);
    }
  }
}

TEST_CASE("a directory gets the page and the text, each in one piece") {
  ForgetfulFileSystem disk;
  DigestDirectory directory(disk, "/var/digests/new");
  const DigestMail mail{"all", "key", "all-2026", TimeUs{}, "<html>", "text", "{}"};
  REQUIRE(directory.deliver(mail).ok());
  REQUIRE(directory.deliver(mail).ok());  // again: the same files
  disk.crash();
  const auto names = disk.list("/var/digests/new");
  REQUIRE(names.ok());
  CHECK(*names == std::vector<std::string>{"all-2026.html", "all-2026.txt"});
  CHECK(disk.read_file("/var/digests/new/all-2026.html").size() == 6);
  // A full disk leaves nothing half.
  disk.limit_bytes(12);
  const DigestMail large{"all", "key", "all-2027", TimeUs{}, std::string(100, 'x'), "t", "{}"};
  CHECK_FALSE(directory.deliver(large).ok());
  disk.limit_bytes(std::nullopt);
  CHECK_FALSE(*disk.exists("/var/digests/new/all-2027.html"));
  REQUIRE(directory.deliver(large).ok());
  CHECK(disk.read_file("/var/digests/new/all-2027.html").size() == 100);
}
