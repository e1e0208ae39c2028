using LogLine.Api.Tenants;

namespace LogLine.Api.Submissions;

/// <summary>Uploads at a time: one tenant never has more than half of them.</summary>
internal sealed class UploadSeats(int total) : TenantSeats(total, Math.Max(1, total / 2));
