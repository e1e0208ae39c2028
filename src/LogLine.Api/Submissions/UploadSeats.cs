namespace LogLine.Api.Submissions;

/// <summary>How many uploads there may be at once: of all tenants, and of one, which never has more than a quarter.</summary>
internal sealed class UploadSeats(int total)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _byTenant = [];
    private readonly int _perTenant = Math.Max(1, total / 4);
    private int _taken;

    /// <summary>A seat, to be given back; null when there is none.</summary>
    public IDisposable? Take(string tenant)
    {
        lock (_lock)
        {
            var own = _byTenant.GetValueOrDefault(tenant);
            if (_taken >= total || own >= _perTenant)
            {
                return null;
            }
            _taken++;
            _byTenant[tenant] = own + 1;
        }
        return new Seat(this, tenant);
    }

    private void GiveBack(string tenant)
    {
        lock (_lock)
        {
            _taken--;
            if (--_byTenant[tenant] == 0)
            {
                _byTenant.Remove(tenant);
            }
        }
    }

    private sealed class Seat(UploadSeats seats, string tenant) : IDisposable
    {
        public void Dispose() => seats.GiveBack(tenant);
    }
}
