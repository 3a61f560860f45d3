#include "storage/segment_runs.h"

#include <bit>
#include <cstring>

#include "base/assert.h"

namespace cairn::storage {
namespace {

constexpr size_t kLoadPad = sizeof(uint64_t);

unsigned run_bits(uint32_t runs) { return static_cast<unsigned>(std::bit_width(runs - 1)); }

ProjectEntry project_entry(const std::byte* at, uint32_t index) {
  ProjectEntry entry;
  std::memcpy(&entry, at + sizeof entry * size_t{index}, sizeof entry);
  return entry;
}

template <class T>
void append(std::vector<std::byte>& out, std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

}  // namespace

std::optional<SegmentRuns> SegmentRuns::parse(std::span<const std::byte> payload, uint32_t rows) {
  if (payload.size() < sizeof(RunsHeader)) return std::nullopt;
  RunsHeader header;
  std::memcpy(&header, payload.data(), sizeof header);
  if (header.runs == 0 || header.runs > rows || header.projects == 0) return std::nullopt;
  const unsigned bits = run_bits(header.runs);
  const uint64_t ids = sizeof header + uint64_t{header.projects} * sizeof(ProjectEntry);
  const uint64_t by_id = ids + 8 * uint64_t{header.runs};
  const uint64_t end = by_id + (uint64_t{header.runs} * bits + 7) / 8 + kLoadPad;
  if (payload.size() != end) return std::nullopt;
  SegmentRuns runs;
  runs.count_ = header.runs;
  runs.project_count_ = header.projects;
  runs.rows_ = rows;
  runs.projects_ = payload.data() + sizeof header;
  runs.ids_ = payload.data() + ids;
  runs.begins_ = runs.ids_ + 4 * size_t{header.runs};
  runs.by_id_ = payload.data() + by_id;
  runs.by_id_bits_ = bits;
  if (runs.begin(0) != 0 || runs.begin(runs.count_ - 1) >= rows) return std::nullopt;
  bool sound = true;  // no early end: this way the compiler makes it SIMD
  for (uint32_t i = 1; i < runs.count_; ++i) sound &= runs.begin(i - 1) < runs.begin(i);
  for (uint32_t i = 0; i < runs.project_count_; ++i) {
    const uint32_t first = project_entry(runs.projects_, i).first_run;
    const bool follows =
        i == 0 ? first == 0 : first > project_entry(runs.projects_, i - 1).first_run;
    sound &= follows && first < runs.count_;
  }
  return sound ? std::optional(runs) : std::nullopt;
}

std::optional<uint32_t> SegmentRuns::find(FingerprintId fingerprint) const {
  uint32_t low = 0, high = count_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (id(by_id(middle)) < fingerprint) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == count_ || id(by_id(low)) != fingerprint) return std::nullopt;
  return by_id(low);
}

std::vector<Run> SegmentRuns::read_all() const {
  std::vector<Run> runs;
  runs.reserve(count_);
  uint32_t next = 0;
  ProjectId project{};
  for (uint32_t run = 0; run < count_; ++run) {
    if (next < project_count_ && project_entry(projects_, next).first_run == run) {
      project = ProjectId{project_entry(projects_, next++).project};
    }
    runs.push_back({project, id(run), begin(run), end(run) - begin(run)});
  }
  return runs;
}

std::vector<std::byte> SegmentRuns::build(std::span<const Run> runs) {
  CAIRN_ASSERT(!runs.empty());
  std::vector<ProjectEntry> projects;
  std::vector<uint32_t> ids, begins;
  std::vector<uint64_t> by_id;
  for (uint32_t i = 0; i < runs.size(); ++i) {
    const uint64_t project = raw(runs[i].project);
    if (projects.empty() || projects.back().project != project) projects.push_back({project, i, 0});
    ids.push_back(raw(runs[i].fingerprint));
    begins.push_back(runs[i].begin);
    by_id.push_back(uint64_t{raw(runs[i].fingerprint)} << 32 | i);
  }
  std::sort(by_id.begin(), by_id.end());
  for (uint64_t& both : by_id) both &= UINT32_MAX;
  const RunsHeader header{static_cast<uint32_t>(runs.size()),
                          static_cast<uint32_t>(projects.size())};
  std::vector<std::byte> out;
  append(out, std::span(&header, 1));
  append<ProjectEntry>(out, projects);
  append<uint32_t>(out, ids);
  append<uint32_t>(out, begins);
  append_packed(out, by_id, run_bits(header.runs));
  out.resize(out.size() + kLoadPad);
  return out;
}

}  // namespace cairn::storage
