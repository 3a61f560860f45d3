// Years of recorded history from issue trackers: replayed in time order they must end in the
// groups that the data's own labels name, and taking every merge back, in random order, must give
// the state of the same history without merges.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "client/importer.h"
#include "engine/store.h"
#include "support/temp_dir.h"
#include "verbs/line_source.h"

using namespace cairn;
using engine::Store;

namespace {

namespace fs = std::filesystem;

struct Stream {
  const char* name;
  const char* path;  // below the shared data, without the endings
};
constexpr Stream kStreams[] = {
    {"zookeeper", "jira-apache/zookeeper"}, {"hadoop", "jira-apache/hadoop"},
    {"hdfs", "jira-apache/hdfs"},           {"hive", "jira-apache/hive"},
    {"timob", "jira-titanium/timob"},       {"gui", "github-timelines/gui"},
};

constexpr TimeUs kToday{1'800'000'000'000'000};  // after all of the data

// Empty when the shared data is not there.
std::string data_folder() {
  const char* shared = std::getenv("CAIRN_SHARED");
  const std::string folder = std::string(shared != nullptr ? shared : "../shared") + "/data";
  return fs::is_directory(folder) ? folder : std::string();
}

client::ImportInput input(const std::string& path) {
  return {path, [path](client::WaitHooks hooks) { return verbs::open_lines(path, hooks); },
          std::nullopt};
}

client::ImportSummary import_all(Store& store, const std::vector<std::string>& paths) {
  client::StoreSink sink(store);
  std::vector<client::ImportInput> inputs;
  for (const auto& path : paths) inputs.push_back(input(path));
  client::ImportOptions options;
  options.by_time = true;
  options.on_refusal = [](const client::Refusal& refusal) -> Result<void> {
    FAIL_CHECK(refusal.file << ":" << refusal.line << ": " << refusal.error.message);
    return {};
  };
  auto summary = client::import_messages(sink, inputs, options);
  INFO((summary.failure ? summary.failure->message : std::string()));
  REQUIRE_FALSE(summary.failure);
  REQUIRE(summary.refused == 0);
  return summary;
}

template <class F>
void for_each_line(const std::string& path, F&& fn) {
  auto lines = verbs::open_lines(path);
  REQUIRE(lines.ok());
  while (true) {
    auto line = (*lines)->next();
    REQUIRE(line.ok());
    if (!line->has_value()) return;
    fn((*line)->text);
  }
}

// occurrence id (hex) -> name of the group it is in after the replay.
std::map<std::string, std::string> replay_groups(const std::string& labels) {
  std::map<std::string, std::string> groups;
  bool header = true;
  for_each_line(labels, [&](std::string_view line) {
    if (std::exchange(header, false)) return;
    const auto id = parse_uuid(line.substr(0, line.find(',')));
    REQUIRE(id);
    groups[id->hex()] = std::string(line.substr(line.rfind(',') + 1));
  });
  return groups;
}

void check_groups(const Store& store, const std::map<std::string, std::string>& wanted) {
  const auto snapshot = store.snapshot();
  REQUIRE(snapshot.ok());
  std::map<std::string, GroupId> issue_of_name;
  std::map<GroupId, std::string> name_of_issue;
  size_t seen = 0;
  const auto each = [&](engine::Snapshot::Event&& event) -> Result<void> {
    ++seen;
    const auto name = wanted.find(event.occurrence.id.hex());
    REQUIRE(name != wanted.end());
    const auto [issue, first] = issue_of_name.emplace(name->second, event.issue);
    const auto [back, first_back] = name_of_issue.emplace(event.issue, name->second);
    if (issue->second != event.issue || back->second != name->second) {
      return make_error(ErrorCode::Internal,
                        fmt::format("occurrence {} should be in {} but is in {}, the issue of {}",
                                    event.occurrence.id.hex(), name->second,
                                    (*snapshot)->state().short_id(event.issue), back->second));
    }
    return {};
  };
  const auto done = (*snapshot)->for_each_event("", TimeUs{}, each);
  INFO((done.ok() ? std::string() : done.error().message));
  REQUIRE(done.ok());
  CHECK(seen == wanted.size());
}

void unmerge_everything(Store& store, uint64_t seed) {
  std::vector<std::pair<GroupId, GroupId>> merges;
  {
    const auto snapshot = store.snapshot();
    const auto& state = (*snapshot)->state();
    REQUIRE(store
                .for_each_record(Lsn{1},
                                 [&](Lsn, const model::Record& record) -> Result<void> {
                                   const auto* merged = std::get_if<model::Merged>(&record.body);
                                   if (merged == nullptr) return {};
                                   for (const uint32_t child : merged->children) {
                                     merges.emplace_back(
                                         state.find_group(merged->project, merged->primary)->id,
                                         state.find_group(merged->project, child)->id);
                                   }
                                   return {};
                                 })
                .ok());
  }
  std::shuffle(merges.begin(), merges.end(), std::mt19937_64(seed));
  for (const auto& [view, child] : merges) {
    const auto undone = store.execute(model::UnmergeCommand{view, {child}}, {});
    INFO((undone.ok() ? std::string() : undone.error().message));
    REQUIRE(undone.ok());
  }
}

std::string without_merges(const std::string& ops, const std::string& to) {
  std::ofstream out(to, std::ios::binary);
  for_each_line(ops, [&](std::string_view line) {
    if (line.find(R"("op":"merge")") == std::string_view::npos) out << line << '\n';
  });
  return to;
}

}  // namespace

TEST_CASE("recorded workflow streams replay into the groups their labels name") {
  const std::string data = data_folder();
  if (data.empty()) {
    WARN("skipped: no shared data (set CAIRN_SHARED to its folder)");
    return;
  }
  const uint64_t seed = std::random_device{}();
  for (const Stream& stream : kStreams) DYNAMIC_SECTION(stream.name) {
      INFO("stream " << stream.name << " seed " << seed);
      const std::string base = data + "/" + stream.path;
      const std::string occurrences = base + ".occurrences.jsonl.gz";
      const std::string ops = base + ".ops.jsonl.gz";
      const testing::TempDir dir;
      engine::StoreOptions options;
      options.head_limit = 5000;
      ManualClock clock(kToday);
      options.clock = &clock;

      auto merged = Store::open(dir / "merged", options);
      REQUIRE(merged.ok());
      const auto summary = import_all(**merged, {occurrences, ops});
      const auto wanted = replay_groups(base + ".labels.csv.gz");
      CHECK(summary.references == wanted.size());
      check_groups(**merged, wanted);

      const auto again = import_all(**merged, {occurrences, ops});
      CHECK(again.stored == 0);
      CHECK(again.duplicates + again.references + again.no_change == again.lines);

      auto plain = Store::open(dir / "plain", options);
      REQUIRE(plain.ok());
      import_all(**plain, {occurrences, without_merges(ops, dir / "ops.jsonl")});
      // Undoing is of today, and time that passes changes issues: it has to pass in both.
      for (Store* store : {merged->get(), plain->get()}) REQUIRE(store->tick().ok());
      unmerge_everything(**merged, seed);
      CHECK((*merged)->digests()->state == (*plain)->digests()->state);
    }
}
