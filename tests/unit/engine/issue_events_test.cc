// The occurrences of a group, and what is counted of them, are those a scan of the log finds.
#include "engine/issue_events.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <random>

#include "query/group_tags.h"
#include "query/parser.h"
#include "support/random_occurrences.h"
#include "support/temp_dir.h"

using namespace cairn;
using namespace cairn::engine;
using testing::RandomOccurrences;
using testing::TempDir;

namespace {

struct Seen {
  TimeUs time{};
  Lsn lsn{};
  model::Occurrence occurrence;
};

void merge_some(Store& store, RandomOccurrences& random) {
  for (int i = 0; i < 12; ++i) {
    model::MergeCommand merge;
    {
      const auto snapshot = store.snapshot();
      REQUIRE(snapshot.ok());
      const model::State& state = (*snapshot)->state();
      const auto any = [&] {
        return state.root_of(GroupId{static_cast<uint32_t>(1 + random.below(state.group_count()))});
      };
      merge = {any(), {any()}};
    }
    (void)store.execute(merge, {});  // some do not fit
  }
}

// Newest first.
std::vector<Seen> scan(const Store& store, const model::State& state, GroupId group, bool alone) {
  std::vector<GroupId> members{group};
  if (!alone) members = state.members(group);
  std::vector<Seen> seen;
  const auto each = [&](Lsn lsn, const model::Record& record) -> Result<void> {
    const auto* occurrence = std::get_if<model::Occurrence>(&record.body);
    if (occurrence == nullptr) return {};
    const auto* decided =
        state.find_fingerprint(occurrence->project, occurrence->fingerprint.front());
    if (std::find(members.begin(), members.end(), decided->leaf) != members.end()) {
      seen.push_back({occurrence->time(), lsn, *occurrence});
    }
    return {};
  };
  REQUIRE(store.for_each_record(Lsn{1}, each).ok());
  std::sort(seen.begin(), seen.end(), [](const Seen& a, const Seen& b) {
    return a.time != b.time ? a.time > b.time : a.lsn > b.lsn;
  });
  return seen;
}

void check_pages(const Snapshot& snapshot, const query::GroupScope& scope,
                 const std::vector<Seen>& wanted, uint32_t limit) {
  const model::State& state = snapshot.state();
  query::EventOptions options{TimeUs{}, limit, ""};
  size_t next = 0;
  for (;;) {
    const auto page = issue_events(snapshot, scope, "", options);
    REQUIRE(page.ok());
    CHECK(page->total == wanted.size());
    for (const Snapshot::Event& event : page->events) {
      REQUIRE(next < wanted.size());
      CHECK(event.lsn == wanted[next].lsn);
      CHECK(event.occurrence.id == wanted[next].occurrence.id);
      CHECK(event.occurrence.event == wanted[next].occurrence.event);
      CHECK(event.issue == state.root_of(event.leaf));
      ++next;
    }
    if (!page->next) {
      options.cursor = page->prev.value_or("");
      next -= page->events.size();
      break;
    }
    options.cursor = *page->next;
  }
  while (!options.cursor.empty()) {
    const auto page = issue_events(snapshot, scope, "", options);
    REQUIRE(page.ok());
    REQUIRE(page->events.size() == limit);
    next -= limit;
    for (size_t i = 0; i < limit; ++i) CHECK(page->events[i].lsn == wanted[next + i].lsn);
    options.cursor = page->prev.value_or("");
  }
  CHECK(next == 0);
}

struct Value {
  uint64_t count = 0;
  TimeUs first{INT64_MAX};
  TimeUs last{INT64_MIN};
};

void check_values(const Snapshot& snapshot, const query::GroupScope& scope,
                  const std::vector<Seen>& occurrences) {
  std::map<std::string, std::map<std::string, Value>> wanted;
  model::TermExtractor extractor;
  for (const Seen& one : occurrences) {
    for (const model::Term& term : extractor.extract(one.occurrence)) {
      const std::string key = raw(term.id) == 0
                                  ? std::string(term.tag)
                                  : std::string(model::builtin_fields()[raw(term.id) - 1u].name);
      Value& value = wanted[key][std::string(term.value)];
      ++value.count;
      value.first = std::min(value.first, one.time);
      value.last = std::max(value.last, one.time);
    }
  }
  const auto filter = query::parse("");
  REQUIRE(filter.ok());
  for (const std::string key : {"level", "release", "url", "user", "browser", "shard", "title",
                                "customer tier", "fingerprint"}) {
    INFO(key);
    const auto list = query::list_values(snapshot.view(), scope, *filter, key, {TimeUs{}, 1000});
    REQUIRE(list.ok());
    CHECK(list->total == occurrences.size());
    const query::TagKey& found = list->keys.front();
    CHECK(found.values == wanted[key].size());
    REQUIRE(found.top.size() == wanted[key].size());
    for (const query::TagValue& value : found.top) {
      INFO(value.text);
      const Value& scanned = wanted[key][value.text];
      CHECK(value.count == scanned.count);
      CHECK(value.first == scanned.first);
      CHECK(value.last == scanned.last);
    }
  }
  const auto all = query::list_tags(snapshot.view(), scope, *filter, {TimeUs{}, 1000});
  REQUIRE(all.ok());
  for (const query::TagKey& key : all->keys) {
    INFO(key.key);
    CHECK(key.values == wanted[key.key].size());
    for (const auto& value : key.top) CHECK(value.count == wanted[key.key][value.text].count);
  }
}

// Raises the flag at one of the looks at it.
class Canceller final : public Clock {
 public:
  explicit Canceller(uint64_t at) : at_(at) {}
  TimeUs now() override {
    if (++looks_ == at_) flag_ = true;
    return TimeUs{};
  }
  uint64_t looks() const { return looks_; }
  query::Control control() {
    query::Control control;
    control.clock = this;
    control.steps_per_look = 1;
    control.budget.time_us = 1'000'000;
    control.cancelled = &flag_;
    return control;
  }

 private:
  uint64_t at_;
  uint64_t looks_ = 0;
  std::atomic<bool> flag_{false};
};

}  // namespace

TEST_CASE("events that nobody waits for any more are not read") {
  RandomOccurrences random(7);
  const TempDir dir;
  const auto store = Store::open(dir / "store", {});
  REQUIRE(store.ok());
  std::vector<model::Message> messages;
  for (auto& occurrence : random.take(600)) messages.emplace_back(std::move(occurrence));
  REQUIRE((*store)->submit(std::move(messages), {}).ok());
  const auto snapshot = (*store)->snapshot();
  REQUIRE(snapshot.ok());
  const GroupId first{1};
  Canceller never(UINT64_MAX);
  const auto whole = issue_events(**snapshot, {first, false}, "", {{}, 20, "", never.control()});
  REQUIRE(whole.ok());
  REQUIRE(whole->events.size() > 2);
  REQUIRE(never.looks() > whole->events.size());
  // While matches are looked for, and while the last of the bodies are read.
  for (const uint64_t at : {uint64_t{1}, never.looks() / 2, never.looks() - 2}) {
    INFO("at look " << at << " of " << never.looks());
    Canceller soon(at);
    const auto cut = issue_events(**snapshot, {first, false}, "", {{}, 20, "", soon.control()});
    REQUIRE_FALSE(cut.ok());
    CHECK(cut.error().code == ErrorCode::Closed);
    CHECK(soon.looks() <= at + 2);
  }
}

TEST_CASE("events and tags of a group are what a scan finds, whatever is merged and sealed") {
  const uint64_t seed = std::random_device{}();
  std::cout << "issue events seed " << seed << "\n";
  RandomOccurrences random(seed);
  const TempDir dir;
  const auto store = Store::open(dir / "store", {});
  REQUIRE(store.ok());
  for (int part = 0; part < 4; ++part) {
    std::vector<model::Message> messages;
    for (auto& occurrence : random.take(400)) messages.emplace_back(std::move(occurrence));
    REQUIRE((*store)->submit(std::move(messages), {}).ok());
    merge_some(**store, random);
    if (part < 3) REQUIRE((*store)->checkpoint().ok());
  }
  const auto snapshot = (*store)->snapshot();
  REQUIRE(snapshot.ok());
  const model::State& state = (*snapshot)->state();
  for (int i = 0; i < 15; ++i) {
    const GroupId group{static_cast<uint32_t>(1 + random.below(state.group_count()))};
    const bool alone = random.below(3) == 0;
    INFO("group " << raw(group) << (alone ? " alone" : ""));
    const auto wanted = scan(**store, state, group, alone);
    check_pages(**snapshot, {group, alone}, wanted, static_cast<uint32_t>(1 + random.below(60)));
    check_values(**snapshot, {group, alone}, wanted);
  }
}
