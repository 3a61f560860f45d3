// The records of alerts in schema/record.capnp; a part of record_message.cc.
#pragma once

#include <record.capnp.h>

#include <optional>
#include <string>

#include "model/record.h"

namespace cairn::model {

void write_alert(const AlertRuleChanged& body, schema::Record::Builder out);
void write_alert(const AlertStatusChanged& body, schema::Record::Builder out);
void write_alert(const AlertsTicked& body, schema::Record::Builder out);
void write_alert(const AlertFired& body, schema::Record::Builder out);
void write_alert(const IncidentChanged& body, schema::Record::Builder out);

// Precondition: a record of alerts. Returns what is wrong with it; nullopt: nothing.
std::optional<std::string> read_alert(schema::Record::Reader in, RecordBody& out);

}  // namespace cairn::model
