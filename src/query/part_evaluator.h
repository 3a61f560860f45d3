// The conditions of a plan over one part: which ordinals pass. Rarest condition first, negations
// taken away last, equal conditions once; where little is left, a column decides instead of many
// postings. Thread: one at a time; borrows all it is made over.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "query/plan.h"
#include "query/profile.h"
#include "query/view.h"

namespace cairn::query {

// How many occurrences of the part may pass, from statistics alone.
uint64_t estimate(const PlanNode& node, const storage::Part& part);

class PartEvaluator {
 public:
  // `number` is that of the part in the view.
  PartEvaluator(const View& view, const Plan& plan, const storage::Part& part, uint32_t number);

  // When the meter says stop, something that is thrown away.
  storage::Bitmap run() { return evaluate(plan_.events).bitmap; }

 private:
  using Bitmap = storage::Bitmap;

  // An answer, counted with the meter as long as it lives.
  struct Answer {
    Bitmap bitmap;
    Holding held;
  };

  // The answer: the cached one of a shared node, else what `room` is given.
  const Bitmap& lend(const PlanNode& node, Answer& room);
  Answer evaluate(const PlanNode& node);
  Answer no_answer() const { return {Bitmap(), Holding(meter_)}; }
  Bitmap compute(const PlanNode& node, Way& way);
  Bitmap compute_values(const PlanNode& node, Way& way);
  Bitmap compute_and(const PlanNode& node);
  Bitmap compute_or(const PlanNode& node);
  Bitmap read_column(const PlanNode& node) const;
  bool by_column(const PlanNode& node, uint64_t left) const;
  void filter_by_column(const PlanNode& node, bool negative, Bitmap& left);
  void record(const PlanNode& node, uint64_t found, TimeUs begin, Way way);
  TimeUs now() const { return profile_ == nullptr ? TimeUs{} : meter_->now(); }

  const View& view_;
  const Plan& plan_;
  const storage::Part& part_;
  const uint32_t number_;
  Meter* const meter_;
  Profile* const profile_;
  std::map<uint32_t, Answer> answers_;  // of shared nodes, by number
};

}  // namespace cairn::query
