//! Permissions of one user for another.

use keywheel_core::Result;

use crate::api::{Permission, Session, TopicPermission};

/// Gives `to` exactly what `from` may do, in every virtual host.
pub(crate) async fn copy(session: &mut Session<'_>, from: &str, to: &str) -> Result<()> {
    copy_permissions(session, from, to).await?;
    copy_topic_permissions(session, from, to).await
}

async fn copy_permissions(session: &mut Session<'_>, from: &str, to: &str) -> Result<()> {
    let wanted: Vec<Permission> = session.get(&["users", from, "permissions"]).await?.unwrap_or_default();
    let had: Vec<Permission> = session.get(&["users", to, "permissions"]).await?.unwrap_or_default();
    for surplus in had.iter().filter(|had| wanted.iter().all(|wanted| wanted.vhost != had.vhost)) {
        session.delete(&["permissions", &surplus.vhost, to]).await?;
    }
    for lacking in wanted.iter().filter(|wanted| !had.contains(wanted)) {
        session.put(&["permissions", &lacking.vhost, to], lacking).await?;
    }
    Ok(())
}

async fn copy_topic_permissions(session: &mut Session<'_>, from: &str, to: &str) -> Result<()> {
    let path = "topic-permissions";
    let wanted: Vec<TopicPermission> = session.get(&["users", from, path]).await?.unwrap_or_default();
    let mut had: Vec<TopicPermission> = session.get(&["users", to, path]).await?.unwrap_or_default();
    let is_meant = |had: &TopicPermission| {
        wanted.iter().any(|wanted| wanted.vhost == had.vhost && wanted.exchange == had.exchange)
    };
    // They can only be removed for a whole virtual host.
    while let Some(vhost) = had.iter().find(|had| !is_meant(had)).map(|had| had.vhost.clone()) {
        session.delete(&[path, &vhost, to]).await?;
        had.retain(|had| had.vhost != vhost);
    }
    for lacking in wanted.iter().filter(|wanted| !had.contains(wanted)) {
        session.put(&[path, &lacking.vhost, to], lacking).await?;
    }
    Ok(())
}
