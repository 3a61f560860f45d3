// Merging: segments whose LSNs follow one another become one, without going back to the log.
//
// Every segment is in the order (project, fingerprint, time, LSN), and so is their merger: so a
// segment's ordinals keep their order under the map from old to new. Columns are permuted by the
// map, postings go through it, and nothing is sorted again.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/assert.h"
#include "storage/segment.h"
#include "storage/segment_builder.h"
#include "storage/segment_part.h"

namespace cairn::storage {
namespace {

Error damaged(SegmentId id, std::string_view what) {
  return make_error(ErrorCode::Corruption, fmt::format("index segment {}: {} cannot be merged; "
                                                       "rebuild the index from the log",
                                                       raw(id), what));
}

class SegmentMerger {
 public:
  SegmentMerger(std::span<const SegmentId> from, SegmentId into) : ids_(from), segment_(into) {}

  Result<SegmentImage> merge(const ReadTxn& txn) {
    CAIRN_TRY(open(txn));
    map_rows();
    CAIRN_TRY(segment_.add_lsns(permuted([](const SegmentData& data) { return data.lsns; })));
    CAIRN_TRY(segment_.add_times(permuted([](const SegmentData& data) { return data.times; })));
    CAIRN_TRY(segment_.add_events(permuted([](const SegmentData& data) { return data.events; })));
    CAIRN_TRY(segment_.add_runs(runs_));
    std::vector<Run>().swap(runs_);
    CAIRN_TRY(merge_ids());
    CAIRN_TRY(merge_fields());
    CAIRN_TRY_ASSIGN(SegmentImage image, segment_.finish());
    for (const SegmentId id : ids_) {
      CAIRN_TRY_ASSIGN(const auto keys, segment_keys(txn, id));
      image.replaced.insert(image.replaced.end(), keys.begin(), keys.end());
    }
    return image;
  }

 private:
  struct Source {
    SegmentData data;
    std::vector<Ordinal> map;  // old ordinal -> new one
  };
  // One run of one source.
  struct SourceRun {
    Run run;
    uint32_t source = 0;
  };

  Result<void> open(const ReadTxn& txn) {
    uint64_t rows = 0;
    for (const SegmentId id : ids_) {
      CAIRN_TRY_ASSIGN(SegmentData data, read_segment(txn, id, true));
      if (!sources_.empty() && data.meta.min_lsn <= sources_.back().data.meta.max_lsn) {
        return make_error(ErrorCode::InvalidArgument,
                          fmt::format("segment {} does not follow the one before it", raw(id)));
      }
      rows += data.meta.rows;
      sources_.push_back({std::move(data), {}});
    }
    if (rows > kMaxSegmentRows) {
      return make_error(ErrorCode::InvalidArgument,
                        fmt::format("segments of together {} occurrences are not merged; {} is the "
                                    "limit",
                                    rows, kMaxSegmentRows));
    }
    rows_ = static_cast<uint32_t>(rows);
    return {};
  }

  // Lays the runs of all sources behind one another and fills the maps.
  void map_rows() {
    std::vector<SourceRun> all;
    for (uint32_t source = 0; source < sources_.size(); ++source) {
      for (const Run& run : sources_[source].data.runs.read_all()) all.push_back({run, source});
      sources_[source].map.resize(sources_[source].data.meta.rows);
    }
    std::sort(all.begin(), all.end(), [](const SourceRun& a, const SourceRun& b) {
      return std::tuple(a.run.project, a.run.fingerprint, a.source) <
             std::tuple(b.run.project, b.run.fingerprint, b.source);
    });
    Ordinal next = 0;
    for (size_t i = 0; i < all.size();) {
      const size_t first = i;
      Run run{all[first].run.project, all[first].run.fingerprint, next, 0};
      for (; i < all.size() && all[i].run.fingerprint == run.fingerprint; ++i) {
        run.count += all[i].run.count;
      }
      map_run(std::span(all).subspan(first, i - first), next);
      next += run.count;
      runs_.push_back(run);
    }
  }

  // Rows of one fingerprint, by time and then LSN: of equal times the earlier source is first.
  void map_run(std::span<const SourceRun> parts, Ordinal next) {
    if (follow_one_another(parts)) {
      for (const SourceRun& part : parts) {
        std::vector<Ordinal>& map = sources_[part.source].map;
        for (uint32_t i = 0; i < part.run.count; ++i) map[part.run.begin + i] = next++;
      }
      return;
    }
    struct Row {
      int64_t time;
      uint32_t part;
      Ordinal ordinal;
    };
    std::vector<Row> rows;
    for (uint32_t part = 0; part < parts.size(); ++part) {
      const Run& run = parts[part].run;
      std::vector<int64_t> times(run.count);
      const size_t before = rows.size();
      sources_[parts[part].source].data.times.read(run.begin, run.begin + run.count, times.data());
      for (uint32_t i = 0; i < run.count; ++i) rows.push_back({times[i], part, run.begin + i});
      std::inplace_merge(rows.begin(), rows.begin() + static_cast<ptrdiff_t>(before), rows.end(),
                         [](const Row& a, const Row& b) { return a.time < b.time; });
    }
    for (const Row& row : rows) sources_[parts[row.part].source].map[row.ordinal] = next++;
  }

  bool follow_one_another(std::span<const SourceRun> parts) const {
    const auto time = [&](const SourceRun& part, Ordinal ordinal) {
      return static_cast<int64_t>(sources_[part.source].data.times[ordinal]);
    };
    for (size_t i = 1; i < parts.size(); ++i) {
      const Run& before = parts[i - 1].run;
      const int64_t last = time(parts[i - 1], before.begin + before.count - 1);
      if (last > time(parts[i], parts[i].run.begin)) return false;
    }
    return true;
  }

  // A column of all sources, in the new order.
  template <class F>
  std::vector<uint64_t> permuted(F&& column_of) const {
    std::vector<uint64_t> values(rows_);
    uint64_t block[PackedColumn::kBlockRows];
    for (const Source& source : sources_) {
      const PackedColumn column = column_of(source.data);
      for (uint32_t begin = 0; begin < column.size(); begin += PackedColumn::kBlockRows) {
        const uint32_t end = std::min(begin + PackedColumn::kBlockRows, column.size());
        column.read(begin, end, block);
        for (uint32_t o = begin; o < end; ++o) values[source.map[o]] = block[o - begin];
      }
    }
    return values;
  }

  Result<void> merge_ids() {
    std::vector<IdEntry> entries;
    entries.reserve(rows_);
    for (size_t i = 0; i < sources_.size(); ++i) {
      const size_t before = entries.size();
      const Source& source = sources_[i];
      if (!source.data.ids.read_all(entries)) return damaged(ids_[i], "its id table");
      for (size_t at = before; at < entries.size(); ++at) {
        const auto ordinal = static_cast<Ordinal>(entries[at] & (kMaxSegmentRows - 1));
        entries[at] = make_id_entry(entries[at] >> kMaxOrdinalBits, source.map[ordinal]);
      }
    }
    return segment_.add_ids(std::move(entries));
  }

  Result<void> merge_fields() {
    std::vector<FieldId> fields;
    for (const Source& source : sources_) {
      for (const auto& [id, field] : source.data.fields) fields.push_back(id);
    }
    std::sort(fields.begin(), fields.end());
    fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
    for (const FieldId field : fields) CAIRN_TRY(merge_field(field));
    return {};
  }

  // The postings of one source's field, and which source that is.
  struct FieldSource {
    SegmentField::Cursor cursor;
    uint32_t source;
  };

  Result<void> merge_field(FieldId id) {
    std::vector<FieldSource> parts;
    FieldShape shape;
    shape.field = id;
    shape.rows = rows_;
    for (uint32_t i = 0; i < sources_.size(); ++i) {
      const SegmentField* field = sources_[i].data.field(id);
      if (field == nullptr) continue;
      const FieldStats stats = field->stats();
      shape.occurrences += static_cast<uint32_t>(stats.occurrences);
      shape.terms += stats.terms;
      shape.max_values += stats.values;
      parts.push_back({SegmentField::Cursor(*field), i});
    }
    FieldBuilder builder(shape);
    for (;;) {
      const FieldSource* smallest = nullptr;
      for (const FieldSource& part : parts) {
        if (part.cursor.at_end()) continue;
        if (smallest == nullptr || part.cursor.value() < smallest->cursor.value()) smallest = &part;
      }
      if (smallest == nullptr) break;
      const ValueId value = smallest->cursor.value();
      CAIRN_TRY(merge_posting(parts, value));
      builder.add(value, ordinals_);
    }
    return segment_.add_field(id, builder);
  }

  // Collects the ordinals of a value and moves the cursors that are on it.
  Result<void> merge_posting(std::vector<FieldSource>& parts, ValueId value) {
    ordinals_.clear();
    for (FieldSource& part : parts) {
      if (part.cursor.at_end() || part.cursor.value() != value) continue;
      const size_t before = ordinals_.size();
      if (!part.cursor.read(ordinals_)) return damaged(ids_[part.source], "a posting");
      part.cursor.next();
      const std::vector<Ordinal>& map = sources_[part.source].map;
      for (size_t i = before; i < ordinals_.size(); ++i) ordinals_[i] = map[ordinals_[i]];
      const auto middle = ordinals_.begin() + static_cast<ptrdiff_t>(before);
      const bool in_order = before == 0 || *(middle - 1) < *middle;
      if (!in_order) std::inplace_merge(ordinals_.begin(), middle, ordinals_.end());
    }
    return {};
  }

  const std::span<const SegmentId> ids_;
  SegmentBuilder segment_;
  std::vector<Source> sources_;
  std::vector<Run> runs_;
  std::vector<Ordinal> ordinals_;  // of the value at hand
  uint32_t rows_ = 0;
};

}  // namespace

Result<SegmentImage> merge_segments(const ReadTxn& txn, std::span<const SegmentId> from,
                                    SegmentId into) {
  CAIRN_ASSERT(from.size() >= 2);
  return SegmentMerger(from, into).merge(txn);
}

}  // namespace cairn::storage
