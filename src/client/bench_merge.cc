// Phases about merging: the two largest groups, and whether size matters.
#include <fmt/format.h>

#include <filesystem>

#include "client/bench_phase.h"
#include "engine/store.h"

namespace cairn::client {
namespace {

using engine::Store;

constexpr int kRounds = 300;  // even: what changes with each round is as it was afterwards

struct Pair {
  GroupId primary{};
  GroupId child{};
  uint64_t events = 0;  // of both
};

Result<Pair> two_largest(const Store& store, TimeUs now) {
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  query::SearchOptions options;
  options.now = now;
  options.sort = query::Sort::Freq;
  options.limit = 2;
  CAIRN_TRY_ASSIGN(const query::SearchPage page, snapshot->search("", options));
  if (page.issues.size() < 2) {
    return make_error(ErrorCode::InvalidArgument, "the store to measure has fewer than two issues");
  }
  return Pair{page.issues[0].id, page.issues[1].id, page.issues[0].count + page.issues[1].count};
}

// An answer about the merged issue; it counts every event of both.
Result<void> ask_about(const Store& store, const Pair& pair) {
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  CAIRN_TRY_ASSIGN(const auto page,
                   snapshot->search("issue:" + snapshot->state().short_id(pair.child), {}));
  if (page.issues.size() == 1 && page.issues[0].count == pair.events) return {};
  return make_error(ErrorCode::Corruption, "the merged issue does not show all its events");
}

// A record like a merge that changes one group and no view: what one log append takes. Done twice
// it leaves the group as it was.
Result<double> append_microseconds(Store& store, GroupId group, int round) {
  const double begin = seconds_now();
  CAIRN_TRY(store.execute(model::AssignCommand{group, round % 2 == 0 ? "user:1" : ""}, {}));
  return microseconds_since(begin);
}

// Until a snapshot taken afterwards shows the child under the primary.
Result<double> visible_merge_microseconds(Store& store, const Pair& pair) {
  const double begin = seconds_now();
  CAIRN_TRY(store.execute(model::MergeCommand{pair.primary, {pair.child}}, {}));
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  const bool seen = snapshot->state().root_of(pair.child) == pair.primary;
  const double took = microseconds_since(begin);
  if (seen) return took;
  return make_error(ErrorCode::Corruption, "a merge does not show in the next snapshot");
}

Result<void> merge_largest(const Bench& bench, PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(auto store, Store::open(bench.store(), {}));
  CAIRN_TRY_ASSIGN(const Pair pair, two_largest(*store, bench.now()));
  Measure append{"one log append (an assignment)", "us", {}};
  Measure merge{"merge of the two largest, seen by the next snapshot", "us", {}};
  Measure answer{"the next query counts all events of the two largest", "ms", {}};
  for (int round = 0; round < kRounds; ++round) {
    CAIRN_TRY_ASSIGN(const double appended, append_microseconds(*store, pair.primary, round));
    CAIRN_TRY_ASSIGN(const double merged, visible_merge_microseconds(*store, pair));
    append.values.push_back(appended);
    merge.values.push_back(merged);
    if (round % 30 == 0) {
      const double begin = seconds_now();
      CAIRN_TRY(ask_about(*store, pair));
      answer.values.push_back(milliseconds_since(begin));
    }
    CAIRN_TRY(store->execute(model::UnmergeCommand{pair.primary, {pair.child}}, {}));
  }
  out.add("events of the two largest", "", static_cast<double>(pair.events));
  for (const Measure* measure : {&append, &merge, &answer}) out.add(*measure);
  out.add("the two largest: a merge takes longer than a log append by", "us",
          merge.median() - append.median());
  return store->close();
}

Result<Pair> fill_pair(Store& store, uint64_t size) {
  const std::string names[] = {fmt::format("group-{}-a", size), fmt::format("group-{}-b", size)};
  for (const auto& name : names) {
    std::vector<model::Message> batch;
    for (uint64_t n = 0; n < size; ++n) {
      batch.emplace_back(plain_occurrence(n, name));
      if (batch.size() < 2000 && n + 1 < size) continue;
      CAIRN_TRY(store.submit(std::move(batch), {}));
      batch.clear();
    }
  }
  CAIRN_TRY_ASSIGN(auto snapshot, store.snapshot());
  const auto leaf_of = [&](const std::string& name) {
    return snapshot->state().find_fingerprint(ProjectId{1}, name)->leaf;
  };
  return Pair{leaf_of(names[0]), leaf_of(names[1]), 2 * size};
}

struct MergeTimes {
  Measure merge;
  Measure unmerge;
};

Result<void> merge_and_back(Store& store, const Pair& pair, MergeTimes& times) {
  const double begin = seconds_now();
  CAIRN_TRY(store.execute(model::MergeCommand{pair.primary, {pair.child}}, {}));
  times.merge.values.push_back(microseconds_since(begin));
  const double merged = seconds_now();
  CAIRN_TRY(store.execute(model::UnmergeCommand{pair.primary, {pair.child}}, {}));
  times.unmerge.values.push_back(microseconds_since(merged));
  return {};
}

// Sizes take turns, so that both meet the same disk and the same caches.
Result<void> compare_sizes(const Bench& bench, const std::string& path, PhaseOutput& out) {
  CAIRN_TRY_ASSIGN(auto store, Store::open(path, {}));
  const uint64_t sizes[] = {1000, std::clamp<uint64_t>(bench.scale(), 2000, 1'000'000)};
  std::vector<Pair> pairs;
  std::vector<MergeTimes> times;
  for (const uint64_t size : sizes) {
    out.say(fmt::format("filling two groups of {} for the merge", size));
    CAIRN_TRY_ASSIGN(const Pair pair, fill_pair(*store, size));
    pairs.push_back(pair);
    times.push_back({{fmt::format("merge of two groups of {} events", size), "us", {}},
                     {fmt::format("unmerge of two groups of {} events", size), "us", {}}});
  }
  CAIRN_TRY(store->checkpoint());
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < pairs.size(); ++i) {
      CAIRN_TRY(merge_and_back(*store, pairs[i], times[i]));
    }
  }
  for (const MergeTimes& of : times) {
    out.add(of.merge);
    out.add(of.unmerge);
  }
  out.add("merge: the larger groups against the smaller", "x",
          times[1].merge.median() / times[0].merge.median());
  return store->close();
}

}  // namespace

Result<void> bench_merges(Bench& bench) {
  bench.say("merging the two largest groups");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return merge_largest(bench, out); }));
  const std::string path = bench.scratch("merges");
  CAIRN_TRY(bench.child([&](PhaseOutput& out) { return compare_sizes(bench, path, out); }));
  std::filesystem::remove_all(path);
  return {};
}

}  // namespace cairn::client
