// Blocks of a base file (docs/format.md, section "Base"). Rows are those of the index's tables.
//   summary      1: fold version u32 | last time i64 | removed: occurrences u64 | log bytes u64
//                   | min time i64 | max time i64 | recorded until i64 | runs u32
//   projects     2: id u64 | row text      types        3: id u32 | row text
//   groups       4: id u32 | row text      fingerprints 5: id u32 | row text
//   registry     6: row text               keys         7: low u64 | high u64
//   activity     8: group u32 | LSN u64
//   experiments 13: name text | row u32 | row text
//   records      9: LSN u64 of each, then the records as in a frame of the log
#include "engine/log_base.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "log/base_file.h"
#include "log/log_files.h"
#include "model/record_codec.h"
#include "storage/coding.h"
#include "storage/state_codec.h"

namespace cairn::engine {
namespace {

using storage::RowReader;
using storage::RowWriter;

enum class Kind : uint32_t {
  Summary = 1,
  Projects,
  Types,
  Groups,
  Fingerprints,
  Registry,
  Keys,
  Activity,
  Records,
  Care,
  Held,
  Releases,
  Experiments,
  Alerts,
};

// Bytes of a block before compression: compresses well, and one record costs little to read back.
constexpr size_t kBlockBytes = 128u << 10;
// The first fold version whose rows are read: those of 3 know no releases of first occurrences and
// regressions.
constexpr uint32_t kOldestFold = 3;
// What a record costs beside its strings, roughly.
constexpr size_t kRecordOverheadBytes = 160;

Error damaged(const log::BaseFileReader& file, size_t block) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("{}: block {} does not hold what it should; restore this file from "
                                "a backup",
                                file.path(), block + 1));
}

// Collects rows of one kind and writes them a block at a time.
class RowBlocks {
 public:
  RowBlocks(log::BaseFileWriter& file, Kind kind) : file_(file), kind_(kind) {}

  // `fill` appends one entry.
  template <class F>
  Result<void> add(F&& fill) {
    fill(rows_);
    ++count_;
    return rows_.bytes().size() >= kBlockBytes ? flush() : Result<void>();
  }
  Result<void> flush() {
    if (count_ == 0) return {};
    CAIRN_TRY(file_.append({raw(kind_), count_, 0, 0}, storage::as_byte_span(rows_.bytes())));
    rows_.clear();
    count_ = 0;
    return {};
  }

 private:
  log::BaseFileWriter& file_;
  Kind kind_;
  RowWriter rows_;
  uint32_t count_ = 0;
};

// Writes what `each(id)` gives for the ids 1 to `count`.
template <class F>
Result<void> write_dense(log::BaseFileWriter& file, Kind kind, uint32_t count, F&& each) {
  RowBlocks blocks(file, kind);
  for (uint32_t id = 1; id <= count; ++id) {
    CAIRN_TRY(blocks.add([&](RowWriter& rows) { rows.integer(id).text(each(id)); }));
  }
  return blocks.flush();
}

Result<void> write_beside_groups(log::BaseFileWriter& file, const model::State& state) {
  RowBlocks care(file, Kind::Care);
  for (const auto& [id, kept] : state.all_care()) {
    CAIRN_TRY(care.add([id = id, &kept = kept](RowWriter& rows) {
      rows.integer(raw(id)).text(storage::encode_care(id, kept));
    }));
  }
  CAIRN_TRY(care.flush());
  RowBlocks held(file, Kind::Held);
  for (const auto& [id, one] : state.held()) {
    CAIRN_TRY(held.add([id = id, &one = one](RowWriter& rows) {
      rows.integer(raw(id)).text(storage::encode_held(one));
    }));
  }
  CAIRN_TRY(held.flush());
  RowBlocks releases(file, Kind::Releases);
  for (const auto& [id, known] : state.all_releases()) {
    for (const model::Release& release : known.all()) {
      CAIRN_TRY(releases.add([&](RowWriter& rows) {
        rows.integer(raw(release.project)).integer(release.number);
        rows.text(storage::encode_release(release));
      }));
    }
  }
  return releases.flush();
}

Result<void> write_experiments(log::BaseFileWriter& file, const model::State& state) {
  RowBlocks blocks(file, Kind::Experiments);
  for (const auto& [name, experiment] : state.experiments()) {
    const auto add = [&, &name = name](uint32_t number, const std::string& row) {
      return blocks.add([&](RowWriter& rows) { rows.text(name).integer(number).text(row); });
    };
    CAIRN_TRY(add(0, storage::encode_experiment(experiment)));
    for (uint32_t i = 0; i < experiment.steps.size(); ++i) {
      CAIRN_TRY(add(i + 1, storage::encode_step(name, i + 1, experiment.steps[i])));
    }
  }
  return blocks.flush();
}

Result<void> write_state(log::BaseFileWriter& file, const model::State& state) {
  RowBlocks registry(file, Kind::Registry);
  CAIRN_TRY(registry.add([&](RowWriter& rows) {
    rows.text(
        storage::encode_registry({state.store_id(), state.strict_types(), state.last_tick()}));
  }));
  CAIRN_TRY(registry.flush());
  RowBlocks types(file, Kind::Types);
  for (const auto& [id, type] : state.types_set()) {
    CAIRN_TRY(types.add([id = id, &type = type](RowWriter& rows) {
      rows.integer(id).text(storage::encode_type(type));
    }));
  }
  CAIRN_TRY(types.flush());
  RowBlocks projects(file, Kind::Projects);
  for (const auto& [id, project] : state.projects()) {
    CAIRN_TRY(projects.add([id = id, &project = project](RowWriter& rows) {
      rows.integer(raw(id)).text(storage::encode_project(project));
    }));
  }
  CAIRN_TRY(projects.flush());
  CAIRN_TRY(write_dense(file, Kind::Groups, state.group_count(), [&](uint32_t id) {
    return storage::encode_group(state.group(GroupId{id}));
  }));
  CAIRN_TRY(write_dense(file, Kind::Fingerprints, state.fingerprint_count(), [&](uint32_t id) {
    return storage::encode_fingerprint(state.fingerprint(FingerprintId{id}));
  }));
  CAIRN_TRY(write_beside_groups(file, state));
  return write_experiments(file, state);
}

size_t size_of(const model::Record& record) {
  size_t bytes = kRecordOverheadBytes;
  if (const auto* occurrence = std::get_if<model::Occurrence>(&record.body)) {
    for (const auto& entry : occurrence->fingerprint) bytes += entry.size();
    if (occurrence->title) bytes += occurrence->title->size();
    if (occurrence->subtitle) bytes += occurrence->subtitle->size();
  } else if (const auto* activity = std::get_if<model::ActivityAdded>(&record.body)) {
    bytes += activity->data.size();
  } else if (const auto* tick = std::get_if<model::AlertsTicked>(&record.body)) {
    bytes += tick->values.size() * kRecordOverheadBytes;
  } else if (const auto* rule = std::get_if<model::AlertRuleChanged>(&record.body)) {
    bytes += rule->text.size();
  }
  return bytes;
}

// What a history says of an occurrence, without the event.
void strip(model::Occurrence& occurrence) {
  occurrence.evidence_data.clear();
  occurrence.evidence_display.clear();
  occurrence.event.clear();
  occurrence.extra.clear();
}

Error removed_occurrence(Lsn lsn, const Removed& removed) {
  return make_error(
      ErrorCode::NotFound,
      fmt::format("record {} is an occurrence that retention removed; those from record {} on are "
                  "kept",
                  raw(lsn), raw(next(removed.last_lsn))));
}

}  // namespace

// --- Reading -----------------------------------------------------------------------------------

LogBase::LogBase(std::unique_ptr<log::BaseFileReader> file, const Removed& removed)
    : file_(std::move(file)), removed_(removed) {}
LogBase::~LogBase() = default;

uint64_t LogBase::bytes() const { return file_->bytes(); }

Result<std::shared_ptr<const LogBase>> LogBase::open(FileSystem& files,
                                                     const std::string& directory,
                                                     const Uuid& store_id) {
  CAIRN_TRY_ASSIGN(const log::LogDirectory found, log::list_log_directory(files, directory));
  const Lsn lsn = found.base();
  if (lsn == Lsn{0}) return std::shared_ptr<const LogBase>();
  CAIRN_TRY_ASSIGN(auto file, log::BaseFileReader::open(files, directory, store_id, lsn));
  const auto& blocks = file->blocks();
  if (blocks.empty() || blocks.back().kind != raw(Kind::Summary)) {
    return damaged(*file, blocks.size());
  }
  CAIRN_TRY_ASSIGN(const auto bytes, file->read(blocks.size() - 1));
  RowReader row(bytes);
  const auto fold_version = row.integer<uint32_t>();
  Removed removed;
  row.integer<int64_t>();  // last time: load()
  removed.occurrences = row.integer<uint64_t>();
  removed.log_bytes = row.integer<uint64_t>();
  removed.min_time = TimeUs{row.integer<int64_t>()};
  removed.max_time = TimeUs{row.integer<int64_t>()};
  removed.recorded_until = TimeUs{row.integer<int64_t>()};
  removed.runs = row.integer<uint32_t>();
  removed.last_lsn = lsn;
  if (!row.done()) return damaged(*file, blocks.size() - 1);
  // A base made by an older fold stays what it is: the records to fold again are gone.
  if (fold_version < kOldestFold) {
    return make_error(ErrorCode::Unsupported,
                      fmt::format("{} has fold version {}; this build reads from {} on, and the "
                                  "records before it are gone. Keep using the cairn that wrote it; "
                                  "an export from there brings the kept occurrences here, but no "
                                  "merges, statuses and notes.",
                                  file->path(), fold_version, kOldestFold));
  }
  if (fold_version > model::kFoldVersion) {
    return make_error(ErrorCode::Unsupported,
                      fmt::format("{} has fold version {}; this build reads up to {}. Use a newer "
                                  "cairn.",
                                  file->path(), fold_version, model::kFoldVersion));
  }
  return std::shared_ptr<const LogBase>(new LogBase(std::move(file), removed));
}

namespace {

Result<void> restore_experiment(RowReader& rows, model::State& state) {
  const std::string_view name = rows.text();
  const auto number = rows.integer<uint32_t>();
  return storage::restore_experiment_row(name, number, storage::as_byte_span(rows.text()), state);
}

Result<void> restore_fingerprint(FingerprintId id, std::span<const std::byte> row,
                                 model::State& state) {
  CAIRN_TRY_ASSIGN(auto fingerprint, storage::decode_fingerprint(id, row));
  fingerprint.first_release = state.texts().share(fingerprint.first_release);
  return state.restore_fingerprint(std::move(fingerprint));
}

Result<void> restore_care(RowReader& rows, model::State& state) {
  const GroupId id{rows.integer<uint32_t>()};
  CAIRN_TRY_ASSIGN(auto care, storage::decode_care(id, storage::as_byte_span(rows.text())));
  return state.restore_care(std::move(care));
}

Result<void> restore_alert(RowReader& rows, alert::AlertState& alerts) {
  const std::string_view key = rows.text();
  return alerts.restore(key, storage::as_byte_span(rows.text()));
}

// Puts the rows of one block into the state.
Result<void> restore_row(Kind kind, RowReader& rows, BaseState& base,
                         std::vector<model::GroupType>& types,
                         std::optional<storage::Registry>& registry) {
  const auto row = [&rows] { return storage::as_byte_span(rows.text()); };
  switch (kind) {
    case Kind::Projects: {
      const ProjectId id{rows.integer<uint64_t>()};
      CAIRN_TRY_ASSIGN(auto project, storage::decode_project(id, row()));
      return base.state.restore_project(std::move(project));
    }
    case Kind::Types: {
      const auto id = rows.integer<uint32_t>();
      CAIRN_TRY_ASSIGN(auto type, storage::decode_type(id, row()));
      types.push_back(std::move(type));
      return {};
    }
    case Kind::Groups: {
      const GroupId id{rows.integer<uint32_t>()};
      storage::GroupRow decoded;
      CAIRN_TRY(storage::decode_group(id, row(), decoded));
      decoded.group.title = base.state.texts().share(decoded.title);
      decoded.group.culprit = base.state.texts().share(decoded.culprit);
      return base.state.restore_group(std::move(decoded.group));
    }
    case Kind::Fingerprints: {
      const FingerprintId id{rows.integer<uint32_t>()};
      return restore_fingerprint(id, row(), base.state);
    }
    case Kind::Registry: {
      CAIRN_TRY_ASSIGN(registry, storage::decode_registry(row()));
      return {};
    }
    case Kind::Keys: {
      Hash128 key;
      key.low = rows.integer<uint64_t>();
      key.high = rows.integer<uint64_t>();
      base.keys.push_back(key);
      return {};
    }
    case Kind::Activity: {
      const GroupId group{rows.integer<uint32_t>()};
      base.activity.emplace_back(group, Lsn{rows.integer<uint64_t>()});
      return {};
    }
    case Kind::Summary:
      rows.integer<uint32_t>();
      base.last_time = TimeUs{rows.integer<int64_t>()};
      for (int i = 0; i < 5; ++i) rows.integer<uint64_t>();
      rows.integer<uint32_t>();
      return {};
    case Kind::Experiments:
      return restore_experiment(rows, base.state);
    case Kind::Alerts:
      return restore_alert(rows, base.alerts);
    case Kind::Records:
      return {};
    case Kind::Care:
      return restore_care(rows, base.state);
    case Kind::Held: {
      const FingerprintId id{rows.integer<uint32_t>()};
      CAIRN_TRY_ASSIGN(const auto held, storage::decode_held(id, row()));
      return base.state.restore_held(held);
    }
    case Kind::Releases: {
      const ProjectId project{rows.integer<uint64_t>()};
      const auto number = rows.integer<uint32_t>();
      CAIRN_TRY_ASSIGN(auto release, storage::decode_release(project, number, row()));
      return base.state.restore_release(std::move(release));
    }
  }
  return {};
}

}  // namespace

Result<BaseState> LogBase::load() const {
  BaseState base;
  std::vector<model::GroupType> types;
  std::optional<storage::Registry> registry;
  for (size_t i = 0; i < file_->blocks().size(); ++i) {
    const log::BlockInfo& block = file_->blocks()[i];
    const Kind kind{block.kind};
    if (kind == Kind::Records) continue;
    if (kind < Kind::Summary || kind > Kind::Alerts) return damaged(*file_, i);
    CAIRN_TRY_ASSIGN(const auto bytes, file_->read(i));
    RowReader rows(bytes);
    for (uint32_t n = 0; n < block.count && rows.ok(); ++n) {
      CAIRN_TRY(restore_row(kind, rows, base, types, registry));
    }
    if (!rows.done()) return damaged(*file_, i);
  }
  if (!registry) return damaged(*file_, 0);
  base.state.restore_registry(registry->store_id, registry->strict_types, std::move(types),
                              registry->last_tick);
  CAIRN_TRY(base.state.finish_restore());
  CAIRN_TRY(base.alerts.restored());
  return base;
}

Result<void> LogBase::read_records(size_t block, const RecordSink& fn) const {
  CAIRN_TRY_ASSIGN(const auto bytes, file_->read(block));
  const uint32_t count = file_->blocks()[block].count;
  const size_t lsn_bytes = size_t{count} * sizeof(uint64_t);
  if (bytes.size() <= lsn_bytes) return damaged(*file_, block);
  size_t n = 0;
  return model::decode_records(
      std::span(bytes).subspan(lsn_bytes), count, [&](model::Record&& record) {
        const Lsn lsn{storage::load_le<uint64_t>(bytes.data() + n * sizeof(uint64_t))};
        ++n;
        return fn(lsn, std::move(record));
      });
}

Result<model::Record> LogBase::record(Lsn lsn) const {
  const auto& blocks = file_->blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (Kind{blocks[i].kind} != Kind::Records) continue;
    if (raw(lsn) < blocks[i].first || raw(lsn) > blocks[i].last) continue;
    std::optional<model::Record> found;
    CAIRN_TRY(read_records(i, [&](Lsn at, model::Record&& record) -> Result<void> {
      if (at == lsn) found = std::move(record);
      return {};
    }));
    if (found) return *std::move(found);
    break;
  }
  return removed_occurrence(lsn, removed_);
}

Result<void> LogBase::for_each_record(Lsn from, const RecordSink& fn) const {
  const auto& blocks = file_->blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (Kind{blocks[i].kind} != Kind::Records || blocks[i].last < raw(from)) continue;
    CAIRN_TRY(read_records(i, [&](Lsn lsn, model::Record&& record) -> Result<void> {
      const bool wanted = lsn >= from && !std::holds_alternative<model::Occurrence>(record.body);
      return wanted ? fn(lsn, std::move(record)) : Result<void>();
    }));
  }
  return {};
}

// --- Writing -----------------------------------------------------------------------------------

LogBaseWriter::LogBaseWriter(std::unique_ptr<log::BaseFileWriter> file) : file_(std::move(file)) {}
LogBaseWriter::~LogBaseWriter() = default;

Result<std::unique_ptr<LogBaseWriter>> LogBaseWriter::create(FileSystem& files,
                                                             const std::string& directory,
                                                             const Uuid& store_id, Lsn lsn,
                                                             const LogBase* previous) {
  CAIRN_TRY_ASSIGN(auto file, log::BaseFileWriter::create(files, directory, store_id, lsn));
  std::unique_ptr<LogBaseWriter> writer(new LogBaseWriter(std::move(file)));
  if (previous != nullptr) CAIRN_TRY(writer->copy_records(*previous));
  return writer;
}

// Whole blocks but the last, which is filled up: many small retentions leave no many small blocks.
Result<void> LogBaseWriter::copy_records(const LogBase& previous) {
  const auto& blocks = previous.file_->blocks();
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (Kind{blocks[i].kind} != Kind::Records) continue;
    const bool last = i + 1 == blocks.size() || Kind{blocks[i + 1].kind} != Kind::Records;
    if (last) {
      CAIRN_TRY(previous.read_records(
          i, [&](Lsn lsn, model::Record&& record) { return add_record(lsn, std::move(record)); }));
    } else {
      CAIRN_TRY_ASSIGN(const auto bytes, previous.file_->read(i));
      CAIRN_TRY(file_->append(blocks[i], bytes));
    }
  }
  return {};
}

Result<void> LogBaseWriter::add_record(Lsn lsn, model::Record&& record) {
  CAIRN_ASSERT(lsns_.empty() || lsn > lsns_.back());
  if (auto* occurrence = std::get_if<model::Occurrence>(&record.body)) strip(*occurrence);
  record_bytes_ += size_of(record);
  lsns_.push_back(lsn);
  records_.push_back(std::move(record));
  return record_bytes_ >= kBlockBytes ? flush_records() : Result<void>();
}

Result<void> LogBaseWriter::flush_records() {
  if (records_.empty()) return {};
  const std::vector<std::byte> encoded = model::encode_records(records_);
  const size_t lsn_bytes = lsns_.size() * sizeof(Lsn);
  std::vector<std::byte> payload(lsn_bytes + encoded.size());
  std::memcpy(payload.data(), lsns_.data(), lsn_bytes);
  std::memcpy(payload.data() + lsn_bytes, encoded.data(), encoded.size());
  CAIRN_TRY(file_->append({raw(Kind::Records), static_cast<uint32_t>(records_.size()),
                           raw(lsns_.front()), raw(lsns_.back())},
                          payload));
  lsns_.clear();
  records_.clear();
  record_bytes_ = 0;
  return {};
}

Result<void> LogBaseWriter::seal(const BaseState& base, const Removed& removed) {
  CAIRN_TRY(flush_records());
  CAIRN_TRY(write_state(*file_, base.state));
  RowBlocks alerts(*file_, Kind::Alerts);
  for (const alert::AlertRow& row : base.alerts.all_rows()) {
    CAIRN_TRY(alerts.add([&](RowWriter& rows) { rows.text(row.key).text(*row.value); }));
  }
  CAIRN_TRY(alerts.flush());
  RowBlocks keys(*file_, Kind::Keys);
  for (const Hash128& key : base.keys) {
    CAIRN_TRY(keys.add([&](RowWriter& rows) { rows.integer(key.low).integer(key.high); }));
  }
  CAIRN_TRY(keys.flush());
  RowBlocks activity(*file_, Kind::Activity);
  for (const auto& [group, lsn] : base.activity) {
    CAIRN_TRY(activity.add([&, group = group, lsn = lsn](RowWriter& rows) {
      rows.integer(raw(group)).integer(raw(lsn));
    }));
  }
  CAIRN_TRY(activity.flush());
  RowBlocks summary(*file_, Kind::Summary);
  CAIRN_TRY(summary.add([&](RowWriter& rows) {
    rows.integer(model::kFoldVersion)
        .integer(raw(base.last_time))
        .integer(removed.occurrences)
        .integer(removed.log_bytes)
        .integer(raw(removed.min_time))
        .integer(raw(removed.max_time))
        .integer(raw(removed.recorded_until))
        .integer(removed.runs);
  }));
  CAIRN_TRY(summary.flush());
  return file_->seal();
}

Result<void> LogBaseWriter::install() { return file_->install(); }
uint64_t LogBaseWriter::bytes() const { return file_->bytes(); }

}  // namespace cairn::engine
