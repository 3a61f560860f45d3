// Rows of the checkpoint's tables as bytes: docs/format.md, "State". Every row ends with a checksum
// that is seeded with its key, so that a damaged row, or one under another's key, is found out.
//
// Decoders return Corruption for bytes that are not such a row.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/state.h"
#include "storage/checkpoint.h"

namespace cairn::storage {

std::string encode_project(const model::Project& project);
Result<model::Project> decode_project(ProjectId id, std::span<const std::byte> row);

std::string encode_type(const model::GroupType& type);
Result<model::GroupType> decode_type(uint32_t id, std::span<const std::byte> row);

std::string encode_group(const model::Group& group);
// A group, its title and culprit not yet in it: many groups share them (TextPool).
struct GroupRow {
  model::Group group;
  std::string_view title, culprit;  // in the row
};
// Into `out`, all of which is overwritten: it is large, and often one of many.
Result<void> decode_group(GroupId id, std::span<const std::byte> row, GroupRow& out);

std::string encode_fingerprint(const model::Fingerprint& fingerprint);
Result<model::Fingerprint> decode_fingerprint(FingerprintId id, std::span<const std::byte> row);

std::string encode_care(GroupId id, const model::Care& care);
Result<model::Care> decode_care(GroupId id, std::span<const std::byte> row);

std::string encode_held(const model::Held& held);
Result<model::Held> decode_held(FingerprintId id, std::span<const std::byte> row);

std::string encode_release(const model::Release& release);
Result<model::Release> decode_release(ProjectId project, uint32_t number,
                                      std::span<const std::byte> row);

// Rows of an experiment: number 0 says what it is, number n is its n-th step.
std::string encode_experiment(const model::Experiment& experiment);
std::string encode_step(std::string_view experiment, uint32_t number,
                        const model::ExperimentStep& step);
// Puts one into the state, after the groups and those before it.
Result<void> restore_experiment_row(std::string_view experiment, uint32_t number,
                                    std::span<const std::byte> row, model::State& state);

struct Registry {
  Uuid store_id;
  bool strict_types = false;
  TimeUs last_tick{};
};
std::string encode_registry(const Registry& registry);
Result<Registry> decode_registry(std::span<const std::byte> row);

std::string encode_meta(const CheckpointMeta& meta);
// Unsupported: another format, fold or terms version than this build's.
Result<CheckpointMeta> decode_meta(std::span<const std::byte> row);

}  // namespace cairn::storage
