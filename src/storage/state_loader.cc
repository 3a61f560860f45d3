// The state, read from the rows of a checkpoint.
#include <array>
#include <future>

#include "storage/checkpoint.h"
#include "storage/coding.h"
#include "storage/row_source.h"
#include "storage/state_codec.h"

namespace cairn::storage {
namespace {

Result<void> load_registry(const RowSource& rows, model::State& state) {
  std::vector<model::GroupType> types;
  CAIRN_TRY(for_each_row(rows, Table::Types, "types", sizeof(uint32_t),
                         [&](std::string_view key, auto row) -> Result<void> {
                           CAIRN_TRY_ASSIGN(auto type,
                                            decode_type(key_part<uint32_t>(key, 0), row));
                           types.push_back(std::move(type));
                           return {};
                         }));
  return rows.scan(Table::Meta,
                   [&](std::string_view key, std::span<const std::byte> row) -> Result<void> {
                     if (key != kRegistryRowKey) return {};
                     CAIRN_TRY_ASSIGN(const Registry registry, decode_registry(row));
                     state.restore_registry(registry.store_id, registry.strict_types,
                                            std::move(types), registry.last_tick);
                     return {};
                   });
}

Result<void> load_projects(const RowSource& rows, model::State& state) {
  return for_each_row(rows, Table::Projects, "projects", sizeof(uint64_t),
                      [&](std::string_view key, auto row) -> Result<void> {
                        const ProjectId id{key_part<uint64_t>(key, 0)};
                        CAIRN_TRY_ASSIGN(auto project, decode_project(id, row));
                        return state.restore_project(std::move(project));
                      });
}

// Restores groups, a few at a time because of their texts.
class GroupLoader {
 public:
  explicit GroupLoader(model::State& state) : state_(state) {}

  Result<void> add(GroupId id, std::span<const std::byte> row) {
    CAIRN_TRY(decode_group(id, row, rows_[count_]));
    views_[2 * count_] = rows_[count_].title;
    views_[2 * count_ + 1] = rows_[count_].culprit;
    return ++count_ == kAtOnce ? flush() : Result<void>();
  }
  Result<void> flush() {
    state_.texts().share_all({views_.data(), 2 * count_}, {texts_.data(), 2 * count_});
    for (size_t i = 0; i < count_; ++i) {
      model::Group& group = rows_[i].group;
      group.title = std::move(texts_[2 * i]);
      group.culprit = std::move(texts_[2 * i + 1]);
      CAIRN_TRY(state_.restore_group(std::move(group)));
    }
    count_ = 0;
    return {};
  }

 private:
  static constexpr size_t kAtOnce = 32;
  model::State& state_;
  std::array<GroupRow, kAtOnce> rows_;
  std::array<std::string_view, 2 * kAtOnce> views_;  // lent by the source
  std::array<Text, 2 * kAtOnce> texts_;
  size_t count_ = 0;
};

Result<void> load_groups(const RowSource& rows, model::State& state) {
  GroupLoader loader(state);
  CAIRN_TRY(for_each_row(rows, Table::Groups, "groups", sizeof(uint32_t),
                         [&](std::string_view key, auto row) -> Result<void> {
                           return loader.add(GroupId{key_part<uint32_t>(key, 0)}, row);
                         }));
  return loader.flush();
}

Result<void> load_fingerprints(const RowSource& rows, model::State& state) {
  TextPool releases;  // of its own: the state's is for the groups, at the same time
  return for_each_row(rows, Table::Fingerprints, "fingerprints", sizeof(uint32_t),
                      [&](std::string_view key, auto row) -> Result<void> {
                        const FingerprintId id{key_part<uint32_t>(key, 0)};
                        CAIRN_TRY_ASSIGN(auto fingerprint, decode_fingerprint(id, row));
                        fingerprint.first_release = releases.share(fingerprint.first_release);
                        return state.restore_fingerprint(std::move(fingerprint));
                      });
}

Result<void> load_beside_groups(const RowSource& rows, model::State& state) {
  CAIRN_TRY(for_each_row(rows, Table::Care, "care", sizeof(uint32_t),
                         [&](std::string_view key, auto row) -> Result<void> {
                           CAIRN_TRY_ASSIGN(auto care,
                                            decode_care(GroupId{key_part<uint32_t>(key, 0)}, row));
                           return state.restore_care(std::move(care));
                         }));
  CAIRN_TRY(for_each_row(rows, Table::Held, "held", sizeof(uint32_t),
                         [&](std::string_view key, auto row) -> Result<void> {
                           const FingerprintId id{key_part<uint32_t>(key, 0)};
                           CAIRN_TRY_ASSIGN(const auto held, decode_held(id, row));
                           return state.restore_held(held);
                         }));
  return for_each_row(rows, Table::Releases, "releases", sizeof(uint64_t) + sizeof(uint32_t),
                      [&](std::string_view key, auto row) -> Result<void> {
                        CAIRN_TRY_ASSIGN(auto release,
                                         decode_release(ProjectId{key_part<uint64_t>(key, 0)},
                                                        key_part<uint32_t>(key, 8), row));
                        return state.restore_release(std::move(release));
                      });
}

Result<void> load_experiments(const RowSource& rows, model::State& state) {
  return rows.scan(Table::Experiments,
                   [&](std::string_view key, std::span<const std::byte> row) -> Result<void> {
                     if (key.size() <= 1 + sizeof(uint32_t)) return damaged_key("experiments");
                     const size_t name_bytes = key.size() - 1 - sizeof(uint32_t);
                     const std::string_view name = key.substr(0, name_bytes);
                     return restore_experiment_row(name, key_part<uint32_t>(key, name_bytes + 1),
                                                   row, state);
                   });
}

}  // namespace

Result<void> load_state(const RowSource& rows, model::State& state) {
  CAIRN_TRY(load_registry(rows, state));
  CAIRN_TRY(load_projects(rows, state));
  CAIRN_TRY_ASSIGN(const uint64_t group_count, rows.entries(Table::Groups));
  CAIRN_TRY_ASSIGN(const uint64_t fingerprint_count, rows.entries(Table::Fingerprints));
  state.reserve(group_count, fingerprint_count);
  // Beside the groups; or after them, as a source is for one thread at a time.
  const std::unique_ptr<RowSource> twin = rows.twin();
  auto fingerprints = std::async(twin ? std::launch::async : std::launch::deferred,
                                 [&] { return load_fingerprints(twin ? *twin : rows, state); });
  const auto groups = load_groups(rows, state);
  CAIRN_TRY(fingerprints.get());
  CAIRN_TRY(groups);
  CAIRN_TRY(load_beside_groups(rows, state));
  CAIRN_TRY(load_experiments(rows, state));
  return state.finish_restore();
}

Result<void> load_state(const ReadTxn& txn, model::State& state) {
  return load_state(NewestRows(txn), state);
}

}  // namespace cairn::storage
