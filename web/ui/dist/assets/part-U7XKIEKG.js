import{a as be}from"./part-IQAWRL5U.js";import{b as ge}from"./part-VOD7HG7W.js";import{a as W,d as me,e as U,f as te,h as q,l as R,s as I,t as p,u as se,v as he,w,x as C,z as pe}from"./part-YIEUKK25.js";import{A as b,D as $e,E as fe,b as a,c as g,d as B,e as P,l as ce,m as f,n as j,p as y,s as H,t as ee,u as S,v as ue,w as v,y as k}from"./part-K4XTX4UC.js";var ye=[{state:"recording",status:"solid",fault:"off",means:"Everything is in order"},{state:"starting",status:"blink",fault:"off",means:"It starts, or waits for its cameras"},{state:"updating",status:"fast",fault:"off",means:"An update is being installed: leave the power on"},{state:"degraded",status:"pulse",fault:"blink",means:"It records, but something needs a look: the panel says what"},{state:"fault",status:"fast",fault:"solid",means:"Nothing is recorded, or the disk fails: look at once"},{state:"stopped",status:"off",fault:"off",means:"It stopped cleanly: the disks are safe to unplug"}],G={solid:"on",off:"off",blink:"blinking",fast:"blinking fast",pulse:"flashing"},E=[{ms:1e4,name:"Hold 10 s",does:"Shows the claim code on the console while the box has no owner"},{ms:3e3,name:"Hold 3 s",does:"Stops cleanly and makes the disk safe to unplug"},{ms:0,name:"Press",does:"Keeps the last 5 minutes of every camera"}];var Le=["red","green","blue","amber","yellow","white","orange"],ae=e=>E.find(t=>e>=t.ms)??E[E.length-1];function we(){let e=f.value.board;return a`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      <ul class="leds">${(e.leds??[]).map(t=>a`<${je} key=${t.name} l=${t} />`)}</ul>
      <${Ve} />
      <${Oe} />
      ${(e.buttons??[]).map(t=>e.board==="sim"?a`<${Ae} key=${t.name} b=${t} />`:a`<${Fe} key=${t.name} b=${t} />`)}
      ${e.board==="generic"&&a`<p class="muted small" data-testid="board-unknown">This machine is no board that is known here. It records all the same; lights and a button can be named in its configuration.</p>`}
      ${(e.leds??[]).length>0&&a`<${Pe} />`}
      ${!e.leds?.length&&!e.buttons?.length&&a`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`}var ve=()=>a`<dl class="press-does">${[...E].reverse().map(e=>a`<div key=${e.ms}><dt>${e.name}</dt><dd>${e.does}</dd></div>`)}</dl>`;function Fe({b:e}){return a`<div class="press-ways"><p class="press-says"><b>${e.label||e.name}</b></p><${ve} /></div>`}var Pe=()=>a`<details class="lights-mean" data-testid="lights-mean"><summary>What the lights say</summary>
  <div class="table-box"><table class="table"><thead><tr><th scope="col">Status</th><th scope="col">Fault</th><th scope="col">Means</th></tr></thead>
    <tbody>${ye.map(e=>a`<tr key=${e.state}><td>${G[e.status]}</td><td>${G[e.fault]}</td><td>${e.means}</td></tr>`)}</tbody></table></div></details>`;function je({l:e}){let t=Le.includes((e.color??"").toLowerCase())?e.color.toLowerCase():"white",s=e.on===!1&&e.pattern==="solid"?"off":e.pattern;return a`<li class="led" data-testid="led-${e.name}" data-pattern=${s}>
    <span class="led-lens led-${t} led-p-${s}" aria-hidden="true"></span>
    <span><b>${e.label||e.name}</b><small>${G[s]??s}</small></span>
  </li>`}function Oe(){let e=f.value.board.temperatures??[];return e.length===0?null:a`<p class="muted small" data-testid="temperatures">${e.map(t=>`${t.name} ${t.celsius} °C`).join(" · ")}</p>`}function Ve(){let e=f.value.board.watchdog;if(!e)return null;let t=Math.max(0,e.left_s-(v.value?0:(H.value-f.value.boardAt)/1e3)),s=e.timeout_s>0?Math.min(1,t/e.timeout_s):0,o=2*Math.PI*17;return a`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${s<.34?"is-low":""}" cx="22" cy="22" r="17"
      stroke-dasharray=${o} stroke-dashoffset=${o*(1-s)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(t)} s of ${e.timeout_s} s left${e.resets!==void 0?`, ${e.resets} ${e.resets===1?"reset":"resets"}`:""}</small>
      ${e.hung&&e.hung.length>0&&a`<small data-testid="watchdog-hung">It restarted the machine${e.hung_at?` at ${R(Date.parse(e.hung_at),y.value)}`:""}: ${e.hung.map(n=>`${n.check}: ${n.reason}`).join("; ")}</small>`}</span>
  </div>`}function ke(e,t){if(!be.send("board.press",{button:e.name,ms:Math.round(t)})){k("error","Not connected: the button was not pressed.");return}k("info",`${e.label||e.name}: ${ae(t).name.toLowerCase()}. ${ae(t).does}.`)}function Ae({b:e}){let[t,s]=g(null),o=P(0),n=P(0);B(()=>()=>clearInterval(n.current),[]);let d=()=>{o.current||v.value||(o.current=performance.now(),s(0),n.current=window.setInterval(()=>s(performance.now()-o.current),50))},l=c=>{if(!o.current)return;let L=performance.now()-o.current;o.current=0,clearInterval(n.current),s(null),c&&ke(e,Math.max(100,L))},u=c=>{c.key!==" "&&c.key!=="Enter"||(c.preventDefault(),c.type==="keydown"&&!c.repeat&&d(),c.type==="keyup"&&l(!0))},$=c=>{c.button===0&&(c.currentTarget.setPointerCapture(c.pointerId),d())},m=2*Math.PI*34;return a`<div class="press">
    <button type="button" class="press-cap ${t!==null?"is-down":""}" disabled=${v.value} data-testid="board-button-${e.name}"
      aria-label="${e.label||e.name}: press, or hold 3 or 10 seconds" onKeyDown=${u} onKeyUp=${u} onBlur=${()=>l(!1)}
      onPointerDown=${$} onPointerUp=${()=>l(!0)} onPointerCancel=${()=>l(!1)} onContextMenu=${c=>c.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${m} stroke-dashoffset=${m*(1-Math.min(1,(t??0)/1e4))} /></svg>
      <span>${t===null?e.label||e.name:`${(t/1e3).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${t===null?"Press and hold as on the box, or choose:":`Let go: ${ae(t).does.toLowerCase()}`}</p>
      <div class="press-row">${[...E].reverse().map(c=>a`<button type="button" key=${c.ms} class="button small" disabled=${v.value} title=${c.does}
        onClick=${()=>ke(e,c.ms||100)} data-testid="board-${e.name}-${c.ms}">${c.name}</button>`)}</div>
      <${ve} />
    </div>
  </div>`}var A=[{key:"floor_bytes",label:"Floor"},{key:"high_bytes",label:"High mark"},{key:"reserve_bytes",label:"Reserve"},{key:"cap_bytes",label:"Cap"}],Z=[{key:"age_hours",label:"Deleted after"},{key:"quota_bytes",label:"Quota"},{key:"keep_hours",label:"Kept at least"}],O=1e9,_e=e=>String(Math.round(e*1e3)/1e3),oe=e=>e.endsWith("_bytes")?"GB":"days";function V(e,t){return t==null?"":e.endsWith("_bytes")?t<O?`${_e(t/1e6)} MB`:_e(t/O):t%24===0?String(t/24):`${t} h`}function Ke(e,t){let s=t.trim().toLowerCase().replace(",",".");if(s==="")return null;let o=/^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(s);if(!o)return NaN;let n=Number(o[1]);if(e.endsWith("_bytes"))return Math.round(n*({"":O,gb:O,mb:1e6,tb:1e12}[o[2]]??NaN));let d=n*({"":24,d:24,day:24,days:24,h:1,hour:1,hours:1}[o[2]]??NaN);return Math.abs(d-Math.round(d))<1e-6?Math.round(d):NaN}function Q(e){let t={};for(let[s,o]of Object.entries(e.volumes??{}))for(let n of A)t[`volumes.${s}.${n.key}`]=V(n.key,o[n.key]);for(let[s,o]of Object.entries(e.cameras??{}))for(let n of Z)t[`cameras.${s}.${n.key}`]=V(n.key,o[n.key]);return t}function xe(e,t){let s={},o=(d,l,u)=>{let $=e[`${d}.${l}`]??"";if($===V(l,u))return u??null;let m=Ke(l,$);return Number.isNaN(m)&&(s[`${d}.${l}`]=l.endsWith("_bytes")?"A number of GB, or with MB or TB.":"A number of days, or of whole hours with h."),m},n={volumes:{},cameras:{}};for(let[d,l]of Object.entries(t.volumes??{}))n.volumes[d]=Object.fromEntries(A.map(u=>[u.key,o(`volumes.${d}`,u.key,l[u.key])]));for(let[d,l]of Object.entries(t.cameras??{}))n.cameras[d]=Object.fromEntries(Z.map(u=>[u.key,o(`cameras.${d}`,u.key,l[u.key])]));return{set:n,errors:s}}function Re(e,t){let s=Object.keys(Q(e)),o=n=>n.slice(0,n.lastIndexOf("."));return s.some(n=>n===t||o(n)===t)?t:""}function Te(e,t,s){let o=e.in_force?.[t]?.[s];return o?o<O?V(s,o):`${V(s,o)} GB`:s==="cap_bytes"?"none":"by the disk"}var ze={free_floor:"for free space",age:"by age",quota:"by quota",size_cap:"for the cap"};function Ne(){let[e,t]=g(null),[s,o]=g({}),[n,d]=g({}),[l,u]=g(null),[$,m]=g(!1),c=j.value?.role==="admin";if(B(()=>{c&&U.get().then(r=>{t(r),o(Q(r))}).catch(()=>t(null))},[c]),!c||!e)return null;let L=Object.keys(e.volumes??{}),F=Object.keys(e.cameras??{}),x=async r=>{let{set:h,errors:T}=xe(s,e);if(d(T),u(null),Object.keys(T).length>0)return Ce(Object.keys(T)[0]);m(!0);try{if(!r)return u(await U.preview(h));let N=await U.set(h);t(N),o(Q(N)),k("good","Applied: it is in force now.")}catch(N){let M=N instanceof W?N:null,Y=M?.field?Re(e,M.field):"";M&&Y?(d({[Y]:M.message}),Ce(Y)):k("error",M?.message??"It could not be applied.")}finally{m(!1)}},z=r=>n[r]&&a`<p class="field-error" role="alert" id="${r}-error"><${b} name="warn" size=${14} />${n[r]}</p>`,re=r=>n[r]?`${r}-error`:void 0,le=(r,h,T,N)=>a`<td data-label="${h}, ${oe(r)}" class=${n[r]?"field-bad":""}>
    <input id=${r} value=${s[r]??""} placeholder=${N} aria-label="${h} of ${T}, in ${oe(r)}" aria-invalid=${n[r]?"true":void 0}
      aria-describedby=${re(r)} data-testid=${r} autocomplete="off"
      onInput=${M=>{o({...s,[r]:M.target.value}),u(null)}} />
    ${z(r)}</td>`,ie=r=>S.value.find(h=>h.id===r),X=r=>ie(r)?.name??r,de=(r,h,T)=>a`<th scope="row" id=${r} tabIndex=${-1} aria-describedby=${re(r)}>${h}${T&&a` <small class="muted">${T}</small>`}
    ${z(r)}</th>`;return a`<section class="card span2 retention" aria-labelledby="retention-h"><h2 id="retention-h">How long footage is kept</h2>
    <p class="muted small">Disks fill up, and then the oldest footage goes. An empty field means the default. Kept footage is never deleted.</p>
    <form onSubmit=${r=>{r.preventDefault(),x(!0)}} data-testid="retention">
      <div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Disk</th>${A.map(r=>a`<th scope="col" key=${r.key}>${r.label} <small>GB</small></th>`)}</tr></thead>
        <tbody>${L.map(r=>a`<tr key=${r}>${de(`volumes.${r}`,r,e.in_force?.[r]?"":"not there")}
          ${A.map(h=>le(`volumes.${r}.${h.key}`,h.label,r,Te(e,r,h.key)))}</tr>`)}</tbody>
      </table></div>
      ${F.length>0&&a`<div class="table-box"><table class="table stackable">
        <thead><tr><th scope="col">Camera</th><th scope="col">Deleted after <small>days</small></th><th scope="col">Quota <small>GB</small></th><th scope="col">Kept at least <small>days</small></th></tr></thead>
        <tbody>${F.map(r=>a`<tr key=${r}>${de(`cameras.${r}`,X(r),ie(r)?"":"removed; its footage is there")}
          ${Z.map(h=>le(`cameras.${r}.${h.key}`,h.label,X(r),h.key==="age_hours"?"as the disk allows":"none"))}</tr>`)}</tbody>
      </table></div>`}
      <p class="press-row">
        <button type="button" class="button" disabled=${$||v.value} onClick=${()=>x(!1)} data-testid="retention-preview">Show what would go</button>
        <button type="submit" class="button primary" disabled=${$||v.value} data-testid="retention-apply">Apply</button></p>
    </form>
    ${l&&a`<${He} plan=${l} name=${X} />`}
  </section>`}function He({plan:e,name:t}){return a`<div role="status" data-testid="retention-plan">${e.map(s=>a`<div key=${s.volume}>
    <p><b>${s.volume}</b>: ${s.segments===0?"nothing would be deleted.":a`${w(s.segments,"file")}, ${p(s.bytes)}, would be deleted: ${Object.entries(s.bytes_by_rule??{}).filter(([,o])=>o>0).map(([o,n])=>`${p(n)} ${ze[o]??o}`).join(", ")}.`}</p>
    <ul class="muted small">${Object.entries(s.oldest??{}).map(([o,n])=>a`<li key=${o}>${t(o)} ${s.segments>0?"would begin":"begins"} at ${R(Date.parse(n),y.value)}</li>`)}</ul>
  </div>`)}</div>`}function Ce(e){setTimeout(()=>document.getElementById(e)?.focus())}var i=e=>e==null||typeof e=="object"?"":String(e),ne=e=>{let t=i(e.reason??e.state_reason);return t?C(t):""},K=e=>{let t=i(e.address).replace(/^\[(.*)\]:\d+$/,"$1").replace(/^([^:]+):\d+$/,"$1");return t?`from ${t}`:""},J=e=>i(e.user)||"Somebody",D=e=>(t,s)=>({text:e(s),detail:ne(t)}),_=(e,t)=>{let s=Date.parse(i(e));return Number.isFinite(s)?q(s,t):""},We={free_floor:["The disk reached its floor: the oldest footage is being deleted","The disk is above its floor again"],nothing_to_prune:["The disk is full and nothing on it may be deleted","There is footage again that may be deleted"],floor_unsatisfiable:["The disk is smaller than its floor","The floor fits the disk again"],prune_not_recovering_space:["Deleting footage does not free space","Deleting footage frees space again"],size_cap:["The disk holds as much footage as it may: the oldest is being deleted","Nothing is deleted for the cap any more"],locked_exceeds_cap:["Kept footage alone is more than the disk may hold","Kept footage fits under the cap again"],locked_exceeds_quota:["Kept footage alone is more than a camera may have","Kept footage fits under the quotas again"],evidence_fills_disk:["Kept footage leaves little room to record","Kept footage leaves room to record again"],delete_failed:["Footage could not be deleted","Footage can be deleted again"],disk_stats_unavailable:["The disk does not tell how full it is","The disk tells how full it is again"],reserve:["The disk is below its reserve: recording rests","The disk has room again"]},Ue={disk:"writing to the disk",index:"the index of footage",sweeper:"the sweeper"},qe={worn:"The disk is worn",failing:"The disk is failing",good:"The disk is well again",unknown:"The disk does not tell its wear any more"},Me={evidence_hold:"the last 5 minutes are kept",stop:"the recorder stops cleanly",claim_code_shown:"the claim code is on the console",none:"nothing to do"},Ge={age:"as old as they may get",quota:"their camera has its share",size_cap:"the disk holds as much as it may",free_floor:"the oldest, for free space"},Ze={press:"pressed",hold:"held for 3 s",long:"held for 10 s",broken:"held far too long"},Qe={watchdog_reset:e=>{let t=Array.isArray(e.causes)?e.causes:[];return{text:`The watchdog restarted the machine: ${t.map(s=>Ue[i(s.check)]??i(s.check)).join(" and ")||"something"} had hung`,detail:t.map(s=>i(s.reason)).join("; ")}},clock_stepped:e=>({text:`The clock was set ${I(Math.abs(Number(e.seconds)||0)*1e3)} ${Number(e.seconds)<0?"back":"forward"}`}),disk_health:e=>({text:`${qe[i(e.status)]??"The disk changed"}${i(e.volume)?` (${i(e.volume)})`:""}`,detail:i(e.reason)}),camera_recording:D(e=>`${e} records`),camera_live:D(e=>`${e} is live, not recorded`),camera_connecting:D(e=>`${e} is connecting`),camera_interrupted:D(e=>`${e} was interrupted`),camera_offline:D(e=>`${e} went offline`),camera_error:D(e=>`${e} has an error`),camera_disabled:D(e=>`${e} was switched off`),camera_added:(e,t)=>({text:`${i(e.name)||t} was added`}),camera_removed:(e,t)=>({text:`${i(e.name)||t} was removed`}),recording_gap:(e,t,s)=>({text:`${t} lost ${I(Number(e.seconds)*1e3||0)}: ${pe(i(e.reason))}`,detail:_(e.start,s)?`${_(e.start,s)} – ${_(e.end,s)}`:""}),auth_claimed:e=>({text:`${J(e)} claimed this recorder`,detail:K(e)}),auth_login:e=>({text:`${J(e)} signed in`,detail:K(e)}),auth_logout:e=>({text:`${J(e)} signed out`,detail:K(e)}),auth_login_failed:e=>({text:i(e.user)?`A wrong password for ${J(e)}`:"Somebody failed to sign in",detail:K(e)}),auth_login_throttled:e=>({text:"Too many failed attempts to sign in: slowed down",detail:K(e)}),system_started:e=>({text:"The recorder started",detail:i(e.version)&&`version ${i(e.version)}`}),system_stopped:()=>({text:"The recorder stopped cleanly"}),system_recovered:e=>({text:"The recorder put its footage in order after an unclean stop",detail:i(e.summary)}),volume_lost:e=>({text:`Disk ${i(e.volume)} was lost`,detail:ne(e)}),volume_absent:e=>({text:`Disk ${i(e.volume)} cannot be used`,detail:ne(e)}),volume_present:e=>({text:`Disk ${i(e.volume)} is there`}),volume_replaced:e=>({text:`Disk ${i(e.volume)} was replaced by another one`}),footage_restamped:(e,t,s)=>({text:"Footage from before the clock was set has its true time now",detail:typeof e.segments=="number"?`${w(e.segments,"file")}${_(e.from,s)?` from ${_(e.from,s)}`:""}`:""}),disk_pressure:e=>{let[t,s]=We[i(e.reason)]??[`The disk: ${i(e.reason).replace(/_/g," ")}`,`The disk: ${i(e.reason).replace(/_/g," ")} is over`];return{text:e.cleared?s:t}},evidence_hold:(e,t,s)=>({text:_(e.from,s)?`Footage from ${_(e.from,s)} to ${_(e.to,s)} is kept as evidence`:"Footage is kept as evidence",detail:typeof e.segments=="number"?w(e.segments,"file")+" so far":""}),evidence_released:(e,t,s)=>({text:`Footage from ${_(e.from,s)} to ${_(e.to,s)} is not kept any more`,detail:i(e.by)&&`released by ${i(e.by)}`}),retention_changed:e=>({text:`${i(e.by)||"Somebody"} changed how much footage is kept`}),retention_delete:e=>({text:`${w(Number(e.deleted)||0,"file")} deleted: ${Ge[i(e.reason)]??i(e.reason).replace(/_/g," ")}`}),evidence_hold_failed:e=>({text:"Footage could not be kept as evidence",detail:i(e.error)}),button:e=>({text:`The button was ${Ze[i(e.gesture)]??"used"}${Me[i(e.action)]?`: ${Me[i(e.action)]}`:""}`,detail:i(e.error)})},Se=e=>{let t=e.replace(/[._]+/g," ").trim();return t.charAt(0).toUpperCase()+t.slice(1)};function De(e,t="",s="utc"){let o=e.payload??{},n=e.type==="camera_state"||e.type==="camera.state"?`camera_${i(o.state)}`:e.type,d=Qe[n.replace(".","_")];if(d){let{text:m,detail:c=""}=d(o,t||"A camera",s);return{text:m,detail:c}}let u=i(o.message)||(t?`${t}: ${Se(e.type).toLowerCase()}`:Se(e.type)),$=Object.entries(o).filter(([m,c])=>m!=="message"&&i(c)).slice(0,4).map(([m,c])=>`${m.replace(/_/g," ")} ${i(c)}`).join(", ");return{text:u,detail:$}}function Kt(){let e=f.value;return a`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted" data-testid="about">${[e.board.name||e.system.board||e.board.board,e.system.version||e.version,e.system.uptime_s!==void 0?`up ${I(e.system.uptime_s*1e3)}`:""].filter(Boolean).join(" · ")}</p></header>
    <${Xe} />
    <div class="status-grid">
      <${we} />
      <div class="status-side">
        <${et} />
        <${nt} />
      </div>
      <${rt} />
      <${it} />
      <${Ne} />
      <${dt} />
    </div>
  </main>`}var Je={recording:{good:!0,icon:"check",says:"Everything is in order"},starting:{icon:"clock",says:"Starting"},updating:{icon:"clock",says:"Updating"},degraded:{icon:"warn",says:"Something needs a look"},fault:{icon:"cross",says:"Something is wrong"},stopped:{icon:"cross",says:"Not recording"}};function Xe(){let e=f.value.board;if(!e.state)return null;let t=Je[e.state]??{icon:"info",says:e.state},s=(e.reasons??[]).map(n=>C(n.replace(/^[a-z ]+: /,""))),o=t.good&&!ue.value.wanted?"In order, but no camera is to be recorded yet":t.says;return a`<div class="overall overall-${e.state}" role="status" data-testid="overall" data-state=${e.state}>
    <${b} name=${t.icon} /><b>${o}</b>
    ${s.length>0&&a`<ul>${s.map(n=>a`<li key=${n}>${n}</li>`)}</ul>`}
  </div>`}function Ye(e){let t=P(null);if(e.write_bytes_per_s)return e.write_bytes_per_s;let s=S.value.reduce((d,l)=>d+(l.state==="recording"?l.bitrate_bps??0:0),0)/8;if(s>0)return s;let o=H.value;(!t.current||e.footage_bytes<t.current.bytes)&&(t.current={at:o,bytes:e.footage_bytes});let n=(o-t.current.at)/1e3;return n>20?(e.footage_bytes-t.current.bytes)/n:0}function et(){let e=f.value.system.volumes??[];return a`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${e.length>1?"Disks":"Disk"}</h2>
    ${e.length===0&&a`<p class="muted">No footage disk.</p>`}
    ${e.map(t=>a`<${["absent","foreign"].includes(t.state)||!t.total_bytes?tt:st} key=${t.name??t.id} v=${t} named=${e.length>1} />`)}
    ${f.value.system.promise_s?a`<p class="muted small">A power cut costs at most ${f.value.system.promise_s} s of footage.</p>`:null}
  </section>`}var Be={ok:"In order",healthy:"In order",recording:"In order",full:"Full",pressure:"Too full",failed:"Failed",readonly:"Read only",read_only:"Read only",absent:"Not there",foreign:"Another disk"},Ie=(e,t)=>t&&e.name?a`<b class="disk-name">${e.name}</b> `:null;function tt({v:e,named:t}){let[s,o]=g(!1),n=async()=>{o(!0);try{await me.adopt(e.name??"",e.other??""),k("good","The disk is being taken in use.")}catch(d){k("error",d.message)}finally{o(!1)}};return a`<div class="disk" data-testid="disk-${e.name??e.id}">
    <p class="disk-head">${Ie(e,t)}<span class="mono">${e.path??""}</span>
      <span class="tag tag-bad"><${b} name="warn" size=${14} />${Be[e.state]??e.state}</span></p>
    ${e.reason&&a`<p class="disk-says bad">${C(e.reason)}</p>`}
    ${e.state==="foreign"&&e.other&&j.value?.role==="admin"&&a`<p><button class="button" type="button" disabled=${s||v.value} onClick=${n} data-testid="adopt-${e.name}">Use this disk</button>
      <span class="muted small"> Its footage stays and is shown; new footage goes to it.</span></p>`}
  </div>`}function st({v:e,named:t}){let s=Ye(e),o=e.days_left||ce(e,s),n=Math.max(1,e.total_bytes),d=x=>Math.min(100,Math.max(0,x/n*100)),l=e.total_bytes-e.free_bytes,u=Math.min(e.held_bytes,e.footage_bytes),$=Math.max(0,l-e.footage_bytes),m=e.free_bytes<e.reserve_bytes?"reserve":e.free_bytes<e.floor_bytes?"floor":"",c=["ok","healthy","recording","open","in order"].includes(e.state||"ok"),L=[{k:"other",w:d($)},{k:"held",w:d(u)},{k:"footage",w:d(e.footage_bytes-u)}],F=0;return a`<div class="disk" data-testid="disk-${e.id}">
    <p class="disk-head">${Ie(e,t)}<b>${p(e.free_bytes)} free</b> of ${p(e.total_bytes)} <span class="tag">${e.medium&&e.medium!=="unknown"?e.medium.toUpperCase():"Disk"}</span>
      <span class="tag ${c?"tag-good":"tag-bad"}"><${b} name=${c?"check":"warn"} size=${14} />${Be[e.state]??e.state??"In order"}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${p(e.footage_bytes)} footage, ${p(u)} of it held, ${p($)} other, ${p(e.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${L.map(x=>{let z=F;return F+=x.w,a`<rect key=${x.k} class="bar-${x.k}" x=${z} y="0" width=${x.w} height="10" />`})}
      <rect class="bar-line bar-high" x=${100-d(e.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100-d(e.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6,100-d(e.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${p(e.footage_bytes-u)}</b></li>
      ${u>0&&a`<li><i class="key key-held"></i>Held <b>${p(u)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${p($)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${p(e.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${p(e.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${p(e.reserve_bytes)}</b></li>
    </ul>
    ${e.state==="failed"&&e.reason&&a`<p class="disk-says bad">${C(e.reason)}</p>`}
    <p class="disk-says ${m?"bad":""}">${m==="reserve"?a`<${b} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`:m==="floor"?a`<${b} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`:o===null?"How long footage is kept shows once the write rate is known.":a`Keeps <b>about ${Ee(o)}</b> at ${se(s*8)}.`}</p>
    <${at} v=${e} />
  </div>`}function at({v:e}){let t=e.wear;if(!t)return null;let s=t.status==="worn"||t.status==="failing",o=t.years_left;return a`<p class="disk-says ${s?"bad":""}" data-testid="wear-${e.id}" data-status=${t.status}>
    ${s&&a`<${b} name="warn" size=${16} /> `}${t.status==="unknown"?`Wear not known: ${t.reason??"the disk does not tell"}.`:t.status==="good"?`The disk says it is well${t.used_percent===void 0?"":`: ${t.used_percent} % of its life is used`}.`:C(t.reason??"The disk is worn")}
    ${o!==void 0&&a` Lasts <b>about ${o>=100?"a lifetime":o<1?w(Math.max(1,Math.round(o*12)),"month"):w(Math.round(o),"year")}</b>${t.estimated?", as such disks usually do":""}.`}
  </p>`}function Ee(e){return e<1?w(Math.max(1,Math.round(e*24)),"hour"):e<10?`${e.toFixed(1)} days`:w(Math.round(e),"day")}var ot={ntp:"network time",rtc:"the battery clock",network:"network time",sntp:"network time",system:"the operating system",kernel:"the operating system",simulated:"the computer it runs on"};function nt(){let e=f.value,t=e.system.clock,s=y.value,o=Math.abs(e.skew);return a`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${q(ee.value,s)} <small>${s==="utc"?"UTC":"local"}</small></p>
    <p class=${t?.trusted===!1?"bad":""}><${b} name=${t?.trusted===!1?"warn":"check"} size=${16} />
      ${t===void 0?" Not known":t.trusted?` Trusted${t.source?`, set by ${ot[t.source]??t.source}`:""}`:" Not trusted yet: footage is kept and stamped again once it is."}</p>
    ${o>5e3&&a`<p class="warnline"><${b} name="warn" size=${16} /> ${I(o)} ${e.skew>0?"ahead of":"behind"} this device.</p>`}
  </section>`}function rt(){let e=S.value;return a`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${e.length===0?a`<p class="muted">None yet.</p>`:a`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Reaches back</th><th scope="col">Drops</th></tr></thead>
      <tbody>${e.map(t=>a`<${lt} key=${t.id} c=${t} />`)}</tbody>
    </table></div>`}
  </section>`}function lt({c:e}){let t=e.last_written?Date.parse(e.last_written):NaN,s=ee.value-t,o=Math.max(0,...(f.value.system.volumes??[]).map(d=>d.camera_days?.[e.id]??0)),n=e.state==="recording"&&s>15e3;return a`<tr data-testid="status-camera-${e.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(e.id)}">${e.name}</a></th>
    <td data-label="State"><${fe} state=${e.state} />${e.state_reason&&e.state!=="recording"&&a`<small class="why">${C(e.state_reason)}</small>`}</td>
    <td data-label="Last written" class=${n?"bad":""}>${Number.isFinite(t)?a`${n&&a`<${b} name="warn" size=${14} /> `}${he(s)}`:a`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${e.bitrate_bps&&$e(e)?se(e.bitrate_bps):"–"}</td>
    <td data-label="Reaches back" class="mono">${o>0?Ee(o):"–"}</td>
    <td data-label="Drops" class="mono ${e.drops?"warnline":""}">${e.drops??0}</td>
  </tr>`}function it(){let[e,t]=g([]),s=ge(),o=()=>te.list().then(l=>t(l.reverse())).catch(()=>t([]));B(()=>{o()},[s]);let n=async l=>{try{await te.release(l.id),k("good","Released: it is deleted when its time comes.")}catch(u){k("error",u instanceof W?u.message:"It could not be released.")}o()};if(e.length===0)return null;let d=["admin","manager"].includes(j.value?.role??"");return a`<section class="card span2" aria-labelledby="kept-h"><h2 id="kept-h">Kept footage</h2>
    <div class="table-box"><table class="table stackable" data-testid="kept">
      <thead><tr><th scope="col">Cameras</th><th scope="col">From</th><th scope="col">To</th><th scope="col">By</th>${d&&a`<th scope="col"><span class="sr">Release</span></th>`}</tr></thead>
      <tbody>${e.slice(0,100).map(l=>a`<tr key=${l.id} data-testid="kept-${l.id}">
        <th scope="row">${(l.cameras??[]).map(u=>S.value.find($=>$.id===u)?.name??u).join(", ")}</th>
        <td data-label="From" class="mono">${R(Date.parse(l.from),y.value)}</td>
        <td data-label="To" class="mono">${R(Date.parse(l.to),y.value)}</td>
        <td data-label="By">${l.by}${l.reason&&a` <small>${l.reason}</small>`}${l.until&&a` <small>until ${R(Date.parse(l.until),y.value)}</small>`}</td>
        ${d&&a`<td><button type="button" class="button" onClick=${()=>n(l)} data-testid="release-${l.id}">Release</button></td>`}
      </tr>`)}</tbody>
    </table></div>
  </section>`}function dt(){let e=f.value.events;return a`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${e.length===0?a`<p class="muted">Nothing yet.</p>`:a`<ol class="events" data-testid="events">${e.slice(0,100).map(t=>a`<${ct} key=${t.seq} e=${t} />`)}</ol>`}
  </section>`}function ct({e}){let t=S.value.find(n=>n.id===e.camera)?.name??e.camera,s=e.severity==="critical"?"cross":e.severity==="warning"?"warn":"info",o=De(e,t,y.value);return a`<li class="event event-${e.severity}">
    <${b} name=${s} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${R(Date.parse(e.time),y.value)}</time>
    <span class="event-text">${o.text}${o.detail&&a` <small>${o.detail}</small>`}</span>
  </li>`}export{Kt as StatusScreen};
